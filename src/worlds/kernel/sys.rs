//! The system calls for which there is no safe wrapper, each made safe here and nowhere else.
//!
//! Here: namespaces, socket options by number, packet sockets, interfaces, calls with the arguments as given. Not here: any decision; the modules
//! beside this one say what is called when.
#![expect(unsafe_code, reason = "unshare, packet sockets, TCP_INFO and kernel timestamps have no safe interface")]

use std::mem::{MaybeUninit, offset_of, size_of, size_of_val};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

use rustix::io::{Errno, Result};
use rustix::thread::{UnshareFlags, unshare_unsafe};

use crate::worlds::stack::{ReceiveForm, SendForm};

/// Moves the process, which must have one thread only, into a new user namespace.
pub(super) fn unshare_user() -> Result<()> {
    // SAFETY: the danger of unshare is CLONE_FILES, which would leave other threads with descriptors
    // this one closes; the flag is not given. Credentials change for the whole process or not at all:
    // with more than one thread the kernel refuses CLONE_NEWUSER (EINVAL).
    unsafe { unshare_unsafe(UnshareFlags::NEWUSER) }
}

/// Moves the calling thread into a new network namespace.
pub(super) fn unshare_network() -> Result<()> {
    // SAFETY: as above, CLONE_FILES is not given. Sockets that are open stay in the old namespace and
    // stay valid; what changes is only where this thread's next sockets are made.
    unsafe { unshare_unsafe(UnshareFlags::NEWNET) }
}

/// Sets a socket option whose value is an `int`.
pub(super) fn set_option(fd: BorrowedFd<'_>, level: i32, name: i32, value: i32) -> Result<()> {
    // SAFETY: the pointer is to an initialized i32 that outlives the call, and the length is its size;
    // the kernel reads at most that many octets and keeps no pointer. `fd` is open while borrowed.
    let done = unsafe { libc::setsockopt(fd.as_raw_fd(), level, name, (&raw const value).cast(), length_of(&value)) };
    answer(done).map(drop)
}

/// Reads a socket option into `octets`; returns how many of them the kernel wrote.
pub(super) fn option(fd: BorrowedFd<'_>, level: i32, name: i32, octets: &mut [u8]) -> Result<usize> {
    let mut len = libc::socklen_t::try_from(octets.len()).map_err(|_| Errno::INVAL)?;
    // SAFETY: the pointer is to `len` octets that are borrowed mutably for the call, and the kernel
    // writes at most `len` of them; any octets are valid as u8. `len` itself is a local.
    let done = unsafe { libc::getsockopt(fd.as_raw_fd(), level, name, octets.as_mut_ptr().cast(), &raw mut len) };
    answer(done)?;
    Ok((len as usize).min(octets.len()))
}

/// The 32 bits at this offset, as the kernel writes its structures.
pub(super) fn word(octets: &[u8], at: usize) -> Option<u32> {
    octets.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes)
}

/// Binds a packet socket to one interface, for frames of every protocol.
pub(super) fn bind_packet_socket(fd: BorrowedFd<'_>, interface: u32) -> Result<()> {
    // SAFETY: sockaddr_ll is a C structure of integers and an array of them; all zeros is a value of it.
    let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    address.sll_family = u16::try_from(libc::AF_PACKET).map_err(|_| Errno::INVAL)?;
    address.sll_protocol = EVERY_PROTOCOL.to_be();
    address.sll_ifindex = i32::try_from(interface).map_err(|_| Errno::INVAL)?;
    // SAFETY: the pointer is to an initialized sockaddr_ll that outlives the call, with its own size.
    let done = unsafe { libc::bind(fd.as_raw_fd(), (&raw const address).cast(), length_of(&address)) };
    answer(done).map(drop)
}

/// Has the kernel fill in the checksums of what leaves by this interface, instead of leaving it to hardware.
///
/// `fd` is any socket of the interface's network namespace.
pub(super) fn fill_in_checksums(fd: BorrowedFd<'_>, interface: &str) -> Result<()> {
    // struct ethtool_value: what is to be set, and to what.
    let mut value = [ETHTOOL_STXCSUM, 0_u32];
    let mut request =
        libc::ifreq { ifr_name: interface_name(interface)?, ifr_ifru: libc::__c_anonymous_ifr_ifru { ifru_data: (&raw mut value).cast() } };
    // SAFETY: SIOCETHTOOL takes an ifreq whose name ends with 0, which `interface_name` sees to,
    // and whose ifr_data points to the structure of the command in its first word: for ETHTOOL_STXCSUM
    // two words, which the kernel only reads. Both are locals that outlive the call.
    let done = unsafe { libc::ioctl(fd.as_raw_fd(), libc::SIOCETHTOOL as _, &raw mut request) };
    answer(done).map(drop)
}

/// Makes `/dev/net/tun`, freshly opened, the far end of a new TUN interface; its name, in which the kernel counts `%d` up.
pub(super) fn make_tun(fd: BorrowedFd<'_>, interface: &str) -> Result<String> {
    let flags = i16::try_from(libc::IFF_TUN | libc::IFF_NO_PI).map_err(|_| Errno::INVAL)?;
    let mut request = libc::ifreq { ifr_name: interface_name(interface)?, ifr_ifru: libc::__c_anonymous_ifr_ifru { ifru_flags: flags } };
    // SAFETY: TUNSETIFF takes an ifreq, reads its name and flags and writes both; it is a local, and outlives the call.
    let done = unsafe { libc::ioctl(fd.as_raw_fd(), libc::TUNSETIFF as _, &raw mut request) };
    answer(done)?;
    let octets = request.ifr_name.iter().flat_map(|octet| octet.to_ne_bytes()).take_while(|octet| *octet != 0);
    String::from_utf8(octets.collect()).map_err(|_| Errno::ILSEQ)
}

/// A name as an `ifreq` has it: at most 15 octets, and a 0.
fn interface_name(name: &str) -> Result<[libc::c_char; libc::IFNAMSIZ]> {
    let mut octets = [0; libc::IFNAMSIZ];
    if name.len() >= octets.len() {
        return Err(Errno::INVAL);
    }
    for (to, from) in octets.iter_mut().zip(name.bytes()) {
        *to = libc::c_char::from_ne_bytes([from]);
    }
    Ok(octets)
}

/// Which copy of a frame this is: on a loopback every frame is seen twice.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Direction {
    /// The copy made when the frame was sent.
    Sent,
    /// The copy made when it arrived.
    Received,
}

/// What a packet socket says of one frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Received {
    /// Octets of the frame, which may be more than the buffer took.
    pub(super) len: usize,
    /// Which copy of it this is.
    pub(super) direction: Direction,
    /// The kernel's stamp since 1970, if it gave one.
    pub(super) stamp: Option<Duration>,
}

/// Takes the next frame of a non-blocking packet socket; `EAGAIN` if there is none.
pub(super) fn receive_frame(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<Received> {
    let mut address = MaybeUninit::<libc::sockaddr_ll>::zeroed();
    let mut control = [0_u64; 32];
    let mut part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    // SAFETY: msghdr is a C structure of pointers and integers; all zeros (null, 0) is a value of it.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_name = address.as_mut_ptr().cast();
    message.msg_namelen = length_of(&address);
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    // `as _`: these lengths are of another type where the C library is not glibc.
    message.msg_controllen = size_of_val(&control) as _;
    // SAFETY: every pointer in `message` is to a local or to `buffer`, all of which outlive the call and
    // are not otherwise used during it, and each stands beside its own length. MSG_TRUNC only changes
    // the number returned.
    let done = unsafe { libc::recvmsg(fd.as_raw_fd(), &raw mut message, libc::MSG_TRUNC | libc::MSG_DONTWAIT) };
    let len = usize::try_from(done).map_err(|_| last_error())?;
    if (message.msg_namelen as usize) < offset_of!(libc::sockaddr_ll, sll_halen) {
        return Err(Errno::INVAL);
    }
    // SAFETY: zeroed before the call, and the kernel wrote a sockaddr_ll up to and with sll_pkttype.
    let address = unsafe { address.assume_init() };
    let direction = if address.sll_pkttype == libc::PACKET_OUTGOING { Direction::Sent } else { Direction::Received };
    Ok(Received { len, direction, stamp: stamp_of(&message) })
}

/// The `SCM_TIMESTAMPNS` among the control messages.
fn stamp_of(message: &libc::msghdr) -> Option<Duration> {
    // SAFETY: `message` was filled by recvmsg and its control buffer is alive in our only caller, so the
    // macros walk headers inside it; CMSG_NXTHDR returns null before a header would leave it. The
    // buffer is aligned for u64, hence for cmsghdr. The data of SCM_TIMESTAMPNS is one timespec, checked
    // by its length and read without assuming alignment.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(message);
        while let Some(found) = header.as_ref() {
            if found.cmsg_level == libc::SOL_SOCKET
                && found.cmsg_type == libc::SCM_TIMESTAMPNS
                && found.cmsg_len >= libc::CMSG_LEN(TIMESPEC) as _
            {
                let time: libc::timespec = libc::CMSG_DATA(header).cast::<libc::timespec>().read_unaligned();
                let nanos = u32::try_from(time.tv_nsec).ok().filter(|nanos| *nanos < 1_000_000_000)?;
                return Some(Duration::new(u64::try_from(time.tv_sec).ok()?, nanos));
            }
            header = libc::CMSG_NXTHDR(message, header);
        }
    }
    None
}

/// From `linux/ethtool.h`, which libc does not have.
const ETHTOOL_STXCSUM: u32 = 0x17;

/// `ETH_P_ALL`, of which libc has only the `int`.
const EVERY_PROTOCOL: u16 = 3;

/// Octets of the structure a stamp comes in.
#[expect(clippy::cast_possible_truncation, reason = "16 octets, or 8")]
const TIMESPEC: u32 = size_of::<libc::timespec>() as u32;

/// The size of a value the kernel is handed, as it wants to be told.
fn length_of<T>(value: &T) -> libc::socklen_t {
    // Every caller passes a structure of less than 200 octets.
    libc::socklen_t::try_from(size_of_val(value)).unwrap_or(libc::socklen_t::MAX)
}

/// The C convention, -1 and errno, as a result.
fn answer(done: i32) -> Result<i32> {
    if done < 0 { Err(last_error()) } else { Ok(done) }
}

fn last_error() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}

/// Gives the calling thread mounts of its own, and its next child a process namespace.
///
/// The thread cannot start other threads any more, only processes.
pub(super) fn unshare_processes() -> Result<()> {
    // SAFETY: as in `unshare_user`, CLONE_FILES is not given. Of mounts the thread gets a copy, and its own
    // working folder beside; nothing that others hold goes away.
    unsafe { unshare_unsafe(UnshareFlags::NEWPID | UnshareFlags::NEWNS) }
}

/// Takes over a descriptor that whoever executed this program has left open for it.
pub(super) fn inherited(fd: std::os::fd::RawFd) -> Result<std::os::fd::OwnedFd> {
    use std::os::fd::FromRawFd as _;
    if fd <= 2 {
        return Err(Errno::BADF);
    }
    // SAFETY: F_GETFD takes no pointer; it says whether there is such a descriptor.
    answer(unsafe { libc::fcntl(fd, libc::F_GETFD) })?;
    // SAFETY: it is open, and not one of the three the standard library owns. The one caller comes before
    // anything else in its process has opened descriptors, so nothing else owns this one.
    Ok(unsafe { std::os::fd::OwnedFd::from_raw_fd(fd) })
}

/// Where a call finds text, or puts it.
#[derive(Debug)]
pub(super) enum Buffers {
    /// A null pointer, of which so many octets are spoken.
    Null(usize),
    /// So many pieces of memory.
    Parts(Vec<Vec<u8>>),
}

impl Buffers {
    /// As the kernel is told. What it points to lives as long as `self`, and is not moved before `self` is.
    fn parts(&mut self) -> Vec<libc::iovec> {
        match self {
            Self::Null(len) => vec![libc::iovec { iov_base: std::ptr::null_mut(), iov_len: *len }],
            Self::Parts(parts) => {
                parts.iter_mut().map(|part| libc::iovec { iov_base: part.as_mut_ptr().cast(), iov_len: part.len() }).collect()
            }
        }
    }
}

/// What `recvmsg` says beside the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Taken {
    /// Octets of text.
    pub(super) len: usize,
    /// `msg_flags`.
    pub(super) flags: i32,
    /// Octets of control messages.
    pub(super) control: usize,
}

/// Reads text by the call of this form; only `recvmsg` fills `control`.
pub(super) fn receive(fd: BorrowedFd<'_>, form: ReceiveForm, buffers: &mut Buffers, flags: i32, control: &mut [u64]) -> Result<Taken> {
    let mut parts = buffers.parts();
    let count = parts.len();
    let first = parts.first().copied().unwrap_or(libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 });
    // SAFETY: msghdr is a C structure of pointers and integers; all zeros (null, 0) is a value of it.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = parts.as_mut_ptr();
    message.msg_iovlen = count as _;
    message.msg_control = if control.is_empty() { std::ptr::null_mut() } else { control.as_mut_ptr().cast() };
    message.msg_controllen = size_of_val(control) as _;
    // SAFETY: every part is memory that `buffers` owns and that is borrowed mutably for the call, with its own length, or
    // a null pointer, where the kernel finds no memory and says EFAULT. `parts` and `control` outlive the call, and stand
    // beside their own lengths. Any octets are valid as u8 and u64.
    let done = unsafe {
        match form {
            ReceiveForm::Read => libc::read(fd.as_raw_fd(), first.iov_base, first.iov_len),
            ReceiveForm::Readv => libc::readv(fd.as_raw_fd(), parts.as_ptr(), libc::c_int::try_from(count).map_err(|_| Errno::INVAL)?),
            ReceiveForm::Recv => libc::recv(fd.as_raw_fd(), first.iov_base, first.iov_len, flags),
            ReceiveForm::Recvfrom => {
                libc::recvfrom(fd.as_raw_fd(), first.iov_base, first.iov_len, flags, std::ptr::null_mut(), std::ptr::null_mut())
            }
            ReceiveForm::Recvmsg => libc::recvmsg(fd.as_raw_fd(), &raw mut message, flags),
        }
    };
    let len = usize::try_from(done).map_err(|_| last_error())?;
    #[allow(clippy::unnecessary_cast, reason = "of another type where the C library is not glibc")]
    let control = if form == ReceiveForm::Recvmsg { message.msg_controllen as usize } else { 0 };
    Ok(Taken { len, flags: message.msg_flags, control })
}

/// Writes text by the call of this form; only `sendmsg` says `control`, it and `sendto` whereto.
pub(super) fn send(
    fd: BorrowedFd<'_>,
    form: SendForm,
    buffers: &mut Buffers,
    flags: i32,
    to: Option<SocketAddr>,
    control: &mut [u64],
    control_len: usize,
) -> Result<usize> {
    let mut parts = buffers.parts();
    let count = parts.len();
    let first = parts.first().copied().unwrap_or(libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 });
    let mut name = to.map(encoded);
    let (address, address_len) = match &mut name {
        Some((octets, len)) => (octets.as_mut_ptr().cast::<libc::c_void>(), *len),
        None => (std::ptr::null_mut(), 0),
    };
    // SAFETY: msghdr is a C structure of pointers and integers; all zeros (null, 0) is a value of it.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_name = address;
    message.msg_namelen = address_len;
    message.msg_iov = parts.as_mut_ptr();
    message.msg_iovlen = count as _;
    message.msg_control = if control_len == 0 { std::ptr::null_mut() } else { control.as_mut_ptr().cast() };
    message.msg_controllen = control_len.min(size_of_val(control)) as _;
    // SAFETY: the kernel only reads. Every part is memory that `buffers` owns, with its own length, or a null pointer,
    // where the kernel finds no memory and says EFAULT; `parts`, `name` and `control` are alive and as long as is said.
    // Pages that MSG_ZEROCOPY keeps are kept by the kernel itself, whatever becomes of the memory here.
    let done = unsafe {
        match form {
            SendForm::Write => libc::write(fd.as_raw_fd(), first.iov_base, first.iov_len),
            SendForm::Writev => libc::writev(fd.as_raw_fd(), parts.as_ptr(), libc::c_int::try_from(count).map_err(|_| Errno::INVAL)?),
            SendForm::Send => libc::send(fd.as_raw_fd(), first.iov_base, first.iov_len, flags),
            SendForm::Sendto => {
                libc::sendto(fd.as_raw_fd(), first.iov_base, first.iov_len, flags, address.cast_const().cast(), address_len)
            }
            SendForm::Sendmsg => libc::sendmsg(fd.as_raw_fd(), &raw const message, flags),
        }
    };
    usize::try_from(done).map_err(|_| last_error())
}

/// A socket address as the kernel reads it, and its length: `sockaddr_in`, `sockaddr_in6`.
fn encoded(address: SocketAddr) -> ([u8; 28], libc::socklen_t) {
    let mut octets = [0; 28];
    let (family, len) = match address {
        SocketAddr::V4(v4) => {
            octets[4..8].copy_from_slice(&v4.ip().octets());
            (libc::AF_INET, 16)
        }
        SocketAddr::V6(v6) => {
            octets[8..24].copy_from_slice(&v6.ip().octets());
            (libc::AF_INET6, 28)
        }
    };
    // Both families are below 256; Linux has no length in front of them.
    octets[..2].copy_from_slice(&u16::try_from(family).unwrap_or(0).to_ne_bytes());
    octets[2..4].copy_from_slice(&address.port().to_be_bytes());
    (octets, len)
}

/// Sets a socket option to these octets, all of which are said to be the value.
pub(super) fn set_option_octets(fd: BorrowedFd<'_>, level: i32, name: i32, value: &[u8]) -> Result<()> {
    let len = libc::socklen_t::try_from(value.len()).map_err(|_| Errno::INVAL)?;
    // SAFETY: the pointer is to `len` octets that are borrowed for the call; the kernel only reads them. Options whose
    // value holds a pointer have the kernel read there, or say EFAULT.
    let done = unsafe { libc::setsockopt(fd.as_raw_fd(), level, name, value.as_ptr().cast(), len) };
    answer(done).map(drop)
}

/// `shutdown`, with whatever the caller says.
pub(super) fn shut_down(fd: BorrowedFd<'_>, how: i32) -> Result<()> {
    // SAFETY: no pointer is passed.
    answer(unsafe { libc::shutdown(fd.as_raw_fd(), how) }).map(drop)
}

/// The requests of `ioctl` that [`ioctl_number`] knows, all of which are about an `int`: `SIOCINQ`, `SIOCOUTQ`,
/// `SIOCOUTQNSD`, `SIOCATMARK`, `FIONBIO`, `FIOASYNC`.
const NUMBER_REQUESTS: [libc::Ioctl; 6] = [libc::FIONREAD, libc::TIOCOUTQ, 0x894b, 0x8905, libc::FIONBIO, libc::FIOASYNC];

/// `ioctl` with a request of [`NUMBER_REQUESTS`]: its result, and the number as it is afterwards. `EINVAL` for others.
pub(super) fn ioctl_number(fd: BorrowedFd<'_>, request: i64, mut number: i32) -> Result<(i32, i32)> {
    let known = |request: &libc::Ioctl| NUMBER_REQUESTS.contains(request);
    let request = libc::Ioctl::try_from(request).ok().filter(known).ok_or(Errno::INVAL)?;
    // SAFETY: all of these requests take a pointer to an int, which they read or write; it is a local.
    let done = unsafe { libc::ioctl(fd.as_raw_fd(), request, &raw mut number) };
    Ok((answer(done)?, number))
}

/// `poll` as a process makes it: descriptors by number, milliseconds. How many are ready, and the `revents` of each.
pub(super) fn poll(fds: &[(i32, i16)], timeout: i32) -> Result<(i32, Vec<i16>)> {
    let mut fds: Vec<_> = fds.iter().map(|(fd, events)| libc::pollfd { fd: *fd, events: *events, revents: 0 }).collect();
    let count = libc::nfds_t::try_from(fds.len()).map_err(|_| Errno::INVAL)?;
    // SAFETY: the pointer is to `count` initialized structures that outlive the call. Numbers that are no open descriptors
    // are reported as such (POLLNVAL).
    let done = answer(unsafe { libc::poll(fds.as_mut_ptr(), count, timeout) })?;
    Ok((done, fds.iter().map(|fd| fd.revents).collect()))
}

/// Asks for short turns of the processor, and so for being woken the sooner, for the calling thread of this niceness.
///
/// Kernels have that since 6.12; older ones take it and do nothing, or refuse.
pub(super) fn take_short_turns(nice: i32) -> Result<()> {
    // struct sched_attr up to sched_period, as sched_setattr(2) has it: size and policy, flags, nice and priority, the
    // length of a turn in nanoseconds, deadline, period.
    #[repr(C)]
    struct Attributes([u32; 2], u64, i32, u32, u64, u64, u64);
    let size = u32::try_from(size_of::<Attributes>()).map_err(|_| Errno::INVAL)?;
    let policy = libc::SCHED_OTHER.cast_unsigned();
    let attributes = Attributes([size, policy], 0, nice, 0, SHORT_TURN, 0, 0);
    // SAFETY: the pointer is to an initialized sched_attr that outlives the call and says its own size; the kernel only
    // reads it. Thread 0 is the calling one.
    let done = unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) };
    answer(i32::try_from(done).unwrap_or(-1)).map(drop)
}

/// The shortest that kernels give: 100 us.
const SHORT_TURN: u64 = 100_000;
