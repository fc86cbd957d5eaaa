//! Where a scenario happens: the calls, network acts and waits that any world understands.
//!
//! A [`World`] is given calls in the words of the sockets API and lets time pass; when all is over
//! it hands out the [`Trace`] of what happened. Who calls what, and when, is the source's business.

use std::fmt;
use std::net::IpAddr;

use crate::engine::{Instant, Segment};
use crate::trace::{HostId, IcmpError, Trace};

mod blocking;
pub mod kernel;
mod knobs;
mod network;
pub mod serving;
pub mod simulated;
pub mod stack;
mod udp;
pub mod wired;

pub use network::{Chance, Fate, Fault, Impairment, LAST_OCTET, NetworkAct, Probability, Queue, Rate, SegmentKind};
pub use udp::UdpCall;

/// The port a scenario means when it names none: free of any protocol a dissector would look for.
pub const DEFAULT_PORT: u16 = 7007;

macro_rules! errnos {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)+) => {
        /// Why a call of the sockets API failed, by the name everybody knows.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Errno { $($(#[$doc])* $variant,)+ }

        impl Errno {
            /// The name as in `errno.h`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The errno of this name.
            pub fn named(name: &str) -> Option<Self> {
                [$(Self::$variant,)+].into_iter().find(|errno| errno.name() == name)
            }
        }
    };
}

errnos! {
    /// Bad file descriptor: no such socket, or closed already.
    BadDescriptor = "EBADF",
    /// Invalid argument, or a call out of order.
    Invalid = "EINVAL",
    /// The port is taken.
    AddressInUse = "EADDRINUSE",
    /// No ephemeral port is left, or the address is not ours.
    AddressNotAvailable = "EADDRNOTAVAIL",
    /// The process has not the right to this port.
    AccessDenied = "EACCES",
    /// Nobody listens there.
    ConnectionRefused = "ECONNREFUSED",
    /// The peer reset the connection.
    ConnectionReset = "ECONNRESET",
    /// No answer for too long.
    TimedOut = "ETIMEDOUT",
    /// This side can send no more.
    BrokenPipe = "EPIPE",
    /// The socket has no connection.
    NotConnected = "ENOTCONN",
    /// The socket has one already.
    IsConnected = "EISCONN",
    /// An earlier connect is still under way.
    Already = "EALREADY",
    /// The connect has begun.
    InProgress = "EINPROGRESS",
    /// The call would have to wait.
    Again = "EAGAIN",
    /// No route to such an address.
    NetworkUnreachable = "ENETUNREACH",
    /// That host does not answer, or nothing gets through to it.
    HostUnreachable = "EHOSTUNREACH",
    /// Nobody there speaks this protocol.
    NoProtocol = "ENOPROTOOPT",
    /// More than one packet can carry.
    MessageTooLong = "EMSGSIZE",
    /// The descriptor is no socket's.
    NotSocket = "ENOTSOCK",
    /// A pointer that leads nowhere.
    Fault = "EFAULT",
    /// This kind of socket has no such call.
    NotSupported = "EOPNOTSUPP",
    /// Nobody is named to send to.
    DestinationRequired = "EDESTADDRREQ",
    /// No sockets of this family, or an address of another.
    FamilyNotSupported = "EAFNOSUPPORT",
    /// No such protocol in this family.
    ProtocolNotSupported = "EPROTONOSUPPORT",
    /// No sockets of this type.
    TypeNotSupported = "ESOCKTNOSUPPORT",
    /// The protocol is none for sockets of this type.
    WrongType = "EPROTOTYPE",
    /// The process has all the descriptors it may have.
    TooManyOpen = "EMFILE",
    /// No such file, or no such thing in the list.
    NoEntry = "ENOENT",
    /// It is in the list already.
    Exists = "EEXIST",
    /// It would wait for itself.
    Loop = "ELOOP",
    /// One cannot seek in a pipe or socket.
    IllegalSeek = "ESPIPE",
    /// The process has not the right.
    NotPermitted = "EPERM",
    /// A number outside the function's domain.
    OutOfDomain = "EDOM",
    /// A number too large to be told.
    OutOfRange = "ERANGE",
    /// No memory for it.
    NoMemory = "ENOMEM",
    /// No buffers for it.
    NoBuffers = "ENOBUFS",
    /// The connection came to an end before it was there.
    Aborted = "ECONNABORTED",
    /// The descriptor has no such control.
    NotTerminal = "ENOTTY",
    /// No such device.
    NoDevice = "ENODEV",
    /// No such device or address.
    NoDeviceOrAddress = "ENXIO",
    /// The protocol was broken.
    Protocol = "EPROTO",
    /// A number too large for its type.
    Overflow = "EOVERFLOW",
    /// The thing is in use.
    Busy = "EBUSY",
    /// The socket has been shut down.
    Shutdown = "ESHUTDOWN",
    /// That host is down.
    HostDown = "EHOSTDOWN",
    /// The network is down.
    NetworkDown = "ENETDOWN",
    /// The network gave the connection up.
    NetworkReset = "ENETRESET",
    /// Too many references.
    TooManyReferences = "ETOOMANYREFS",
    /// A signal came.
    Interrupted = "EINTR",
    /// The call was called off.
    Canceled = "ECANCELED",
    /// The system has no such call.
    NoCall = "ENOSYS",
    /// No room is left.
    NoSpace = "ENOSPC",
    /// The file is too large.
    FileTooLarge = "EFBIG",
    /// The text was not read.
    InputOutput = "EIO",
    /// The machine is not on the network.
    NoNetwork = "ENONET",
    /// A key that is not there.
    NoKey = "ENOKEY",
}

impl Errno {
    /// Whether it means "not yet": a blocking call goes on waiting.
    pub const fn is_wait(self) -> bool {
        matches!(self, Self::Again | Self::InProgress | Self::Already)
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A call an application makes, in the words of the sockets API. Each host has one process, and the
/// process one listening socket and one connected socket that the calls speak of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Call {
    /// `socket`, `bind` and `listen`.
    Listen {
        /// Local port.
        port: u16,
        /// Connections that may wait for `accept`.
        backlog: u16,
        /// `TCP_FASTOPEN`: fast opens that may be under way at once; `None` leaves it off.
        fast_open: Option<u16>,
    },
    /// The RFC's passive OPEN: one TCB in LISTEN, which becomes the connection itself. The sockets API has no
    /// such call.
    OpenPassive {
        /// Local port.
        port: u16,
        /// The remote socket, if only this one may connect.
        peer: Option<(HostId, u16)>,
    },
    /// `socket`, perhaps `bind`, and `connect`.
    Connect {
        /// Whose port.
        to: HostId,
        /// An address instead of that host's.
        address: Option<IpAddr>,
        /// Which port there.
        port: u16,
        /// Local port, if not an ephemeral one.
        from_port: Option<u16>,
        /// Text to send at once: what fits rides in the SYN.
        text: Vec<u8>,
        /// `MSG_FASTOPEN`: ask for a cookie, or show one and let the peer read the SYN's text (RFC 7413).
        fast: bool,
    },
    /// `accept` on the listening socket.
    Accept,
    /// `send`.
    Send {
        /// The text.
        text: Vec<u8>,
        /// How.
        flag: SendFlag,
    },
    /// `recv` of exactly so many octets, or of whatever comes until end of file with `None`.
    Recv(Option<u32>),
    /// `shutdown`.
    Shutdown(How),
    /// `close` of the connected socket, or of the listening one if there is no other.
    Close,
    /// `close` of the listening socket.
    CloseListener,
    /// `SO_LINGER` with zero time, then `close`: the RFC's ABORT.
    Abort,
    /// The process ends: every socket is closed.
    Exit,
    /// The host loses power: its sockets are gone, and nobody is told.
    Crash,
    /// `setsockopt`.
    Set(SocketOption),
    /// A call on the UDP socket.
    Udp(UdpCall),
    /// Asks a host for echoes, a second apart, and waits for them.
    Ping {
        /// Whom.
        to: HostId,
        /// How many.
        times: u16,
    },
}

/// What a `send` says of its text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum SendFlag {
    /// Nothing: it is the end of a record.
    #[default]
    Plain,
    /// `MSG_MORE`: the record goes on.
    More,
    /// `MSG_OOB`: the text is urgent.
    Urgent,
    /// `MSG_EOF`: it is the last text; the send side is closed with it.
    Last,
}

impl SendFlag {
    /// Every flag with the word a scenario has for it.
    pub const NAMED: [(&'static str, Self); 3] = [("more", Self::More), ("urgent", Self::Urgent), ("eof", Self::Last)];
}

/// Which directions `shutdown` ends.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum How {
    /// `SHUT_RD`.
    Read,
    /// `SHUT_WR`: the RFC's CLOSE.
    Write,
    /// `SHUT_RDWR`.
    Both,
}

/// The socket options a scenario can set.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SocketOption {
    /// `TCP_NODELAY`.
    NoDelay(bool),
    /// `TCP_QUICKACK`.
    QuickAck(bool),
    /// `TCP_MAXSEG`, octets; before `connect` or `listen`.
    MaxSeg(u16),
    /// `SO_LINGER`: `None` switches it off; seconds otherwise.
    Linger(Option<u16>),
    /// `TCP_USER_TIMEOUT`, milliseconds.
    UserTimeout(u32),
    /// `SO_KEEPALIVE`.
    KeepAlive(bool),
    /// `TCP_KEEPIDLE`, seconds.
    KeepIdle(u16),
    /// `TCP_KEEPINTVL`, seconds.
    KeepInterval(u16),
    /// `TCP_KEEPCNT`.
    KeepCount(u8),
}

impl Call {
    /// Why no socket of a kernel makes this call; `None` if one does.
    pub fn beyond_sockets(&self) -> Option<&'static str> {
        match self {
            Self::OpenPassive { .. } => Some("sockets listen, they have no passive OPEN of one connection"),
            Self::Send { flag: SendFlag::Last, .. } => Some("Linux has no MSG_EOF"),
            Self::Crash => Some("the kernel itself would have to crash"),
            Self::Listen { .. }
            | Self::Connect { .. }
            | Self::Accept
            | Self::Send { .. }
            | Self::Recv(_)
            | Self::Shutdown(_)
            | Self::Close
            | Self::CloseListener
            | Self::Abort
            | Self::Exit
            | Self::Set(_)
            | Self::Udp(_)
            | Self::Ping { .. } => None,
        }
    }
}

impl fmt::Display for Call {
    /// As a scenario writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen { port, fast_open, .. } => {
                write!(f, "listen")?;
                if *port != DEFAULT_PORT {
                    write!(f, " port {port}")?;
                }
                fast_open.map_or(Ok(()), |pending| write!(f, " fastopen {pending}"))
            }
            Self::OpenPassive { port, peer } => {
                write!(f, "open passive")?;
                if *port != DEFAULT_PORT {
                    write!(f, " port {port}")?;
                }
                peer.map_or(Ok(()), |(_, port)| write!(f, " peer {port}"))
            }
            Self::Connect { address, port, from_port, text, fast, .. } => {
                write!(f, "connect")?;
                if let Some(address) = address {
                    write!(f, " to {address}")?;
                }
                if *port != DEFAULT_PORT {
                    write!(f, " port {port}")?;
                }
                if let Some(from) = from_port {
                    write!(f, " from {from}")?;
                }
                if *fast {
                    write!(f, " fast")?;
                }
                if text.is_empty() { Ok(()) } else { write!(f, " with {}", text.len()) }
            }
            Self::Accept => write!(f, "accept"),
            Self::Send { text, flag } => {
                let word = SendFlag::NAMED.into_iter().find(|(_, known)| known == flag).map_or("", |(word, _)| word);
                write!(f, "send {}{}{word}", text.len(), if word.is_empty() { "" } else { " " })
            }
            Self::Recv(Some(octets)) => write!(f, "recv {octets}"),
            Self::Recv(None) => write!(f, "recv"),
            Self::Shutdown(How::Read) => write!(f, "shutdown read"),
            Self::Shutdown(How::Write) => write!(f, "shutdown write"),
            Self::Shutdown(How::Both) => write!(f, "shutdown both"),
            Self::Close => write!(f, "close"),
            Self::CloseListener => write!(f, "close listener"),
            Self::Abort => write!(f, "abort"),
            Self::Exit => write!(f, "exit"),
            Self::Crash => write!(f, "crash"),
            Self::Set(option) => write!(f, "option {option}"),
            Self::Udp(call) => call.fmt(f),
            Self::Ping { times: 1, .. } => write!(f, "ping"),
            Self::Ping { times, .. } => write!(f, "ping times {times}"),
        }
    }
}

impl fmt::Display for SocketOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |on: bool| if on { "on" } else { "off" };
        match *self {
            Self::NoDelay(on) => write!(f, "nodelay {}", word(on)),
            Self::QuickAck(on) => write!(f, "quickack {}", word(on)),
            Self::MaxSeg(octets) => write!(f, "maxseg {octets}"),
            Self::Linger(None) => write!(f, "linger off"),
            Self::Linger(Some(seconds)) => write!(f, "linger {seconds}"),
            Self::UserTimeout(millis) => write!(f, "user-timeout {millis}ms"),
            Self::KeepAlive(on) => write!(f, "keepalive {}", word(on)),
            Self::KeepIdle(seconds) => write!(f, "keepidle {seconds}"),
            Self::KeepInterval(seconds) => write!(f, "keepintvl {seconds}"),
            Self::KeepCount(probes) => write!(f, "keepcnt {probes}"),
        }
    }
}

/// What came of a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It returned this: nothing, or a count such as `100`.
    Done(String),
    /// It failed.
    Failed(Errno),
    /// It blocks; ask again with [`World::retry`].
    Blocked,
}

impl Outcome {
    /// What a call came to that returned this, or failed so.
    fn of(result: Result<String, Errno>) -> Self {
        match result {
            Ok(text) => Self::Done(text),
            Err(errno) if errno.is_wait() => Self::Blocked,
            Err(errno) => Self::Failed(errno),
        }
    }
}

/// Whom a forged segment claims to come from, where that is not the connection of a host.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Claim {
    /// An address that is not the host's.
    pub address: Option<IpAddr>,
    /// A port that is not the connection's.
    pub port: Option<u16>,
}

impl fmt::Display for Claim {
    /// As a scenario writes it, with a space behind.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(address) = self.address {
            write!(f, "from {address} ")?;
        }
        self.port.map_or(Ok(()), |port| write!(f, "port {port} "))
    }
}

/// Somewhere a scenario can happen.
pub trait World {
    /// The time now.
    fn now(&self) -> Instant;

    /// Makes a call in the process of `host`.
    fn call(&mut self, host: HostId, call: &Call) -> Outcome;

    /// Asks a call that blocked again; `call` is what [`World::call`] was given.
    fn retry(&mut self, host: HostId, call: &Call) -> Outcome;

    /// Arms a network act, or says why this world cannot.
    ///
    /// # Errors
    /// What is impossible here, in words.
    fn network(&mut self, act: &NetworkAct) -> Result<(), String>;

    /// Delivers a forged segment in the name of `from`, or of whom it `claims` to come from, to the other
    /// host, now; or says why not.
    ///
    /// # Errors
    /// What is impossible here, in words.
    fn inject(&mut self, from: HostId, claims: Claim, segment: &Segment) -> Result<(), String>;

    /// Tells `host` of an ICMP error, in the name of the network, about the last packet of its own of this kind; or
    /// says why not.
    ///
    /// # Errors
    /// What is impossible here, in words.
    fn report(&mut self, host: HostId, error: IcmpError, about: SegmentKind) -> Result<(), String>;

    /// Lets one more thing happen, at `until` at the latest; `false` if nothing is left to happen before.
    fn step(&mut self, until: Option<Instant>) -> bool;

    /// Writes down the sockets of `host` as `netstat` lists them, or says why not.
    ///
    /// # Errors
    /// What is impossible here, in words.
    fn netstat(&mut self, host: HostId) -> Result<(), String>;

    /// Whether nothing is under way: no segment, no retransmission, no owed ACK.
    fn is_settled(&self) -> bool;

    /// What happened.
    fn into_trace(self) -> Trace;
}
