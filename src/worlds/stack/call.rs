//! The calls of the sockets API with their arguments as a process gives them, and their answers.

use crate::trace::End;
use crate::worlds::Errno;

/// A file descriptor.
pub type Fd = i32;

/// A number that has a name, or several joined by `|`: `SOL_SOCKET`, `MSG_PEEK|MSG_DONTWAIT`.
///
/// A stack in user space goes by the names, a kernel by the number.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Constant {
    /// The number it has on the system the script speaks of.
    pub value: i64,
    /// Its names, with those that mean the same (`SOL_TCP` and `IPPROTO_TCP`); none if the script wrote a number that no
    /// name is known for.
    pub names: Vec<String>,
}

impl Constant {
    /// Whether this is one of its names.
    pub fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }
}

/// Which of the calls that read.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[expect(missing_docs, reason = "they are the calls of these names")]
pub enum ReceiveForm {
    Read,
    Readv,
    Recv,
    Recvfrom,
    Recvmsg,
}

/// Which of the calls that write.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[expect(missing_docs, reason = "they are the calls of these names")]
pub enum SendForm {
    Write,
    Writev,
    Send,
    Sendto,
    Sendmsg,
}

/// One entry of `poll`'s array.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PollFd {
    /// Whose events.
    pub fd: Fd,
    /// Which events are asked for, `POLLIN` and so on.
    pub events: Constant,
}

/// What `epoll` says of one descriptor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EpollEvent {
    /// `EPOLLIN` and so on.
    pub events: u32,
    /// What `epoll_ctl` was given to tell it by.
    pub data: u64,
}

/// A control message of `sendmsg` or `recvmsg`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ControlMessage {
    /// Its `cmsg_level`.
    pub level: Constant,
    /// Its `cmsg_type`.
    pub kind: Constant,
    /// What it holds, in native byte order.
    pub data: Vec<u8>,
}

/// A call with its arguments. Descriptors are those the stack gave out; text is always zeros and only counted.
///
/// An IPv4 address given to a socket of `AF_INET6` is written as one mapped into IPv6, as a process writes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Call {
    /// `socket`.
    Socket {
        /// `AF_INET` or `AF_INET6`.
        domain: Constant,
        /// `SOCK_STREAM`, `SOCK_DGRAM`, perhaps with `SOCK_NONBLOCK`.
        kind: Constant,
        /// `IPPROTO_TCP`, or 0.
        protocol: Constant,
    },
    /// `bind`.
    Bind {
        /// The socket.
        fd: Fd,
        /// Address and port.
        to: End,
    },
    /// `listen`.
    Listen {
        /// The socket.
        fd: Fd,
        /// Connections that may wait.
        backlog: i32,
    },
    /// `accept`.
    Accept {
        /// The listening socket.
        fd: Fd,
    },
    /// `connect`.
    Connect {
        /// The socket.
        fd: Fd,
        /// Whereto; `None` is `AF_UNSPEC`, which ends what there is.
        to: Option<End>,
    },
    /// `read` and its relatives.
    Receive {
        /// Which of them.
        form: ReceiveForm,
        /// The socket.
        fd: Fd,
        /// How long each buffer is, in octets; `None` in place of all for a null pointer.
        buffers: Option<Vec<u32>>,
        /// How many octets are asked for; with several buffers their sum.
        count: u32,
        /// `MSG_PEEK` and so on.
        flags: Constant,
        /// Room for control messages, in octets.
        control: u32,
    },
    /// `write` and its relatives.
    Send {
        /// Which of them.
        form: SendForm,
        /// The socket.
        fd: Fd,
        /// How long each buffer is, in octets; `None` in place of all for a null pointer.
        buffers: Option<Vec<u32>>,
        /// How many octets in all.
        count: u32,
        /// `MSG_MORE` and so on.
        flags: Constant,
        /// Whereto, of `sendto` and `sendmsg`.
        to: Option<End>,
        /// Control messages that go along.
        control: Vec<ControlMessage>,
    },
    /// `sendfile` of a file of zeros.
    Sendfile {
        /// The socket.
        to: Fd,
        /// The file.
        from: Fd,
        /// Where in the file.
        offset: i64,
        /// How many octets.
        count: u32,
    },
    /// `shutdown`.
    Shutdown {
        /// The socket.
        fd: Fd,
        /// `SHUT_RD`, `SHUT_WR`, `SHUT_RDWR`.
        how: Constant,
    },
    /// `close`.
    Close {
        /// What.
        fd: Fd,
    },
    /// `getsockopt`.
    GetOption {
        /// The socket.
        fd: Fd,
        /// `SOL_SOCKET`, `IPPROTO_TCP` (`SOL_TCP`) and so on.
        level: Constant,
        /// `SO_ERROR` and so on.
        name: Constant,
        /// Room for the value, in octets.
        len: u32,
    },
    /// `setsockopt`.
    SetOption {
        /// The socket.
        fd: Fd,
        /// `SOL_SOCKET`, `IPPROTO_TCP` (`SOL_TCP`) and so on.
        level: Constant,
        /// `SO_LINGER` and so on.
        name: Constant,
        /// The value as it lies in memory, in native byte order.
        value: Vec<u8>,
        /// How long the process says it is, in octets.
        len: u32,
    },
    /// `fcntl`.
    Fcntl {
        /// What.
        fd: Fd,
        /// `F_GETFL`, `F_SETFL`.
        command: Constant,
        /// `O_RDWR|O_NONBLOCK`.
        argument: Option<Constant>,
    },
    /// `ioctl`.
    Ioctl {
        /// What.
        fd: Fd,
        /// `SIOCINQ` and so on.
        request: Constant,
        /// What it is given.
        argument: Option<i64>,
    },
    /// `poll`.
    Poll {
        /// Whose events.
        fds: Vec<PollFd>,
        /// Milliseconds; negative is for ever.
        timeout: i32,
    },
    /// `open` of a file, which is one of zeros.
    Open {
        /// Its path as the script has it.
        path: String,
        /// `O_RDONLY` and so on.
        flags: Constant,
    },
    /// `pipe`.
    Pipe,
    /// `splice`.
    Splice {
        /// From here.
        from: Fd,
        /// To there.
        to: Fd,
        /// How many octets.
        count: u32,
        /// `SPLICE_F_NONBLOCK` and so on.
        flags: Constant,
    },
    /// `epoll_create`.
    EpollCreate {
        /// How many descriptors it may be about.
        size: i32,
    },
    /// `epoll_ctl`.
    EpollControl {
        /// The epoll descriptor.
        epoll: Fd,
        /// `EPOLL_CTL_ADD` and so on.
        operation: Constant,
        /// About whom.
        fd: Fd,
        /// Which events.
        events: Constant,
        /// What to tell it by.
        data: u64,
    },
    /// `epoll_wait`.
    EpollWait {
        /// The epoll descriptor.
        epoll: Fd,
        /// How many events at most.
        max: i32,
        /// Milliseconds; negative is for ever.
        timeout: i32,
    },
    /// `cap_set`: which capabilities the process keeps.
    CapSet {
        /// Their names.
        names: Vec<String>,
    },
}

/// What came of a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It returned.
    Returned(Answer),
    /// It waits; ask again.
    Blocked,
    /// The stack has no such call, option or flag; in words, to stand behind "unsupported: ".
    Unsupported(String),
}

/// What a call returned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// Its return value: a count, a descriptor, 0, or -1.
    pub result: i64,
    /// `errno`, if the call failed.
    pub errno: Option<Errno>,
    /// What it wrote into the process's memory.
    pub output: Output,
}

impl Answer {
    /// Success that returns this.
    pub const fn of(result: i64) -> Self {
        Self { result, errno: None, output: Output::Nothing }
    }

    /// Failure.
    pub const fn failed(errno: Errno) -> Self {
        Self { result: -1, errno: Some(errno), output: Output::Nothing }
    }
}

/// What a call wrote into the process's memory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Output {
    /// Nothing that anybody asks for.
    Nothing,
    /// An option's value, in native byte order, as long as `optlen` says.
    Value(Vec<u8>),
    /// An integer (`ioctl`).
    Number(i64),
    /// `revents` of each entry, in order.
    Poll(Vec<i16>),
    /// What `epoll_wait` found.
    Epoll(Vec<EpollEvent>),
    /// Two descriptors (`pipe`).
    Pair(Fd, Fd),
    /// What came with a message: `msg_flags` and control messages.
    Message {
        /// `MSG_TRUNC` and so on.
        flags: u32,
        /// In order.
        control: Vec<ControlMessage>,
    },
}
