//! What a host's program does, as system calls with descriptors.
//!
//! A scenario's program has one listening and one connected socket, and its calls say no more than is needed. Here they
//! become those of a script: `accept` where a connection is first spoken of, `socket` and `bind` before `connect`.

use super::{Line, Untold};
use crate::engine::Instant;
use crate::sources::scenario::{Action, Scenario};
use crate::trace::{Entry, HostId, Trace, What};
use crate::worlds::{Call, How, SendFlag, SocketOption, UdpCall};

/// More octets than any run has, for a read until the end of file.
const EVERYTHING: u32 = 1_000_000;

/// The program of a host, as far as it has come.
#[derive(Debug)]
pub(super) struct Process<'a> {
    trace: &'a Trace,
    host: HostId,
    next_fd: i32,
    listener: Option<i32>,
    connection: Option<i32>,
    /// The UDP socket.
    datagrams: Option<i32>,
    /// Whether the connected socket does not block.
    nonblocking: bool,
    /// Options set before there was a socket.
    pending: Vec<SocketOption>,
    /// The port of the listening socket.
    port: Option<u16>,
    /// Whether its sockets are like FreeBSD's.
    freebsd: bool,
}

/// When a call begins, and what is known of its end.
#[derive(Clone, Copy, Debug)]
struct Made<'a> {
    at: Instant,
    /// When it returned, if it had to wait and did return.
    end: Option<Instant>,
    /// What it returned; `None` if it never did, or was called off.
    result: Option<Result<&'a str, &'a str>>,
    /// The position of its entry.
    index: usize,
    /// Where its lines stand among the others.
    order: usize,
}

impl Made<'_> {
    /// What the line says behind `=`, where success is `value`.
    fn result(&self, value: usize) -> String {
        match self.result {
            Some(Err(errno)) => format!("-1 {errno}"),
            Some(Ok(_)) | None => value.to_string(),
        }
    }

    /// The count it returned.
    fn count(&self) -> String {
        self.result(self.result.and_then(Result::ok).and_then(|count| count.parse().ok()).unwrap_or(0))
    }

    fn is_done(&self) -> bool {
        matches!(self.result, Some(Ok(_)))
    }
}

impl<'a> Process<'a> {
    pub(super) const fn new(trace: &'a Trace, host: HostId, freebsd: bool) -> Self {
        Self {
            trace,
            host,
            next_fd: 3,
            listener: None,
            connection: None,
            datagrams: None,
            nonblocking: false,
            pending: Vec::new(),
            port: None,
            freebsd,
        }
    }

    /// The lines of the call at `index`; whether it opens a connection from this side.
    pub(super) fn call(
        &mut self,
        index: usize,
        text: &'a str,
        result: Result<&'a str, &'a String>,
        lines: &mut Vec<Line>,
    ) -> Result<bool, Untold> {
        let at = self.trace.entries[index].at;
        let unknown = || Untold::Call { at, call: text.to_owned(), why: "no scenario has such a call" };
        let call = read(text).ok_or_else(unknown)?;
        let made = self.made(index, text, result.map_err(String::as_str));
        let refuse = |why| Err(Untold::Call { at, call: text.to_owned(), why });
        let unconnected = || Untold::Call { at, call: text.to_owned(), why: "the socket has no connection" };
        match &call {
            Call::Listen { port, fast_open, .. } => self.listen(&made, *port, *fast_open, text, lines)?,
            Call::Connect { address, port: _, from_port, text: said, fast, .. } => {
                if !said.is_empty() && !fast {
                    return refuse("no socket sends text in its SYN but for a fast open");
                }
                if address.is_some_and(|address| address.is_unspecified()) {
                    return refuse("to a socket that is its own host");
                }
                if *fast && self.freebsd {
                    return refuse("only Linux's sockets are told to open fast");
                }
                let asks = *fast && said.is_empty();
                self.connect(&made, *address, *from_port, said.len(), asks, lines);
                return Ok(true);
            }
            Call::Accept => {
                if self.listener.is_none() {
                    return refuse("there is no listening socket");
                }
                self.accept(&made, lines);
            }
            Call::Udp(call) => self.udp(&made, call, lines),
            Call::Send { text: said, flag } if self.only_udp() => {
                let (fd, octets) = (self.udp_socket(&made, lines), said.len());
                let _ = flag;
                push(lines, &made, format!("write({fd}, ..., {octets}) = {}", made.count()));
            }
            Call::Recv(want) if self.only_udp() => self.udp_receive(&made, *want, lines),
            Call::Close if self.only_udp() => {
                let fd = self.datagrams.take().unwrap_or(-1);
                push(lines, &made, format!("close({fd}) = 0"));
            }
            Call::Send { text: said, flag } => {
                let fd = self.connected(&made, lines).ok_or_else(unconnected)?;
                let made = self.since_accepted(made);
                self.send(&made, fd, said.len(), *flag, text, lines)?;
            }
            Call::Recv(want) => {
                let fd = self.connected(&made, lines).ok_or_else(unconnected)?;
                let made = self.since_accepted(made);
                self.receive(&made, fd, *want, text, lines)?;
            }
            Call::Shutdown(how) => {
                let fd = self.connected(&made, lines).ok_or_else(unconnected)?;
                let how = match how {
                    How::Read => "SHUT_RD",
                    How::Write => "SHUT_WR",
                    How::Both => "SHUT_RDWR",
                };
                push(lines, &self.since_accepted(made), format!("shutdown({fd}, {how}) = {}", made.result(0)));
            }
            Call::Close => self.close(&made, lines),
            Call::CloseListener => {
                if let Some(fd) = self.listener.take() {
                    push(lines, &made, format!("close({fd}) = {}", made.result(0)));
                }
            }
            Call::Abort => {
                let fd = self.connected(&made, lines).ok_or_else(unconnected)?;
                let made = self.since_accepted(made);
                push(lines, &made, setsockopt(fd, SocketOption::Linger(Some(0))));
                self.connection = None;
                push(lines, &made, format!("close({fd}) = {}", made.result(0)));
            }
            Call::Exit => {
                if let Some(fd) = self.datagrams.take() {
                    push(lines, &made, format!("close({fd}) = 0"));
                }
                if self.connection.is_some() || self.established(index).is_some_and(|since| since <= at) {
                    let _ = self.connected(&made, lines);
                }
                for fd in self.connection.take().into_iter().chain(self.listener.take()) {
                    push(lines, &made, format!("close({fd}) = 0"));
                }
            }
            Call::Set(option) => {
                if self.connection.is_some() || (self.listener.is_some() && self.established(index).is_some_and(|since| since <= at)) {
                    if let Some(fd) = self.connected(&made, lines) {
                        push(lines, &made, setsockopt(fd, *option));
                    }
                } else {
                    self.pending.push(*option);
                }
            }
            Call::OpenPassive { .. } => return refuse("sockets listen, they have no passive OPEN of one connection"),
            Call::Crash => return refuse("a host that loses power is no system call"),
            Call::Ping { .. } => return refuse("a script does not ask for echoes"),
        }
        Ok(false)
    }

    /// What the trace says of the return of a call.
    fn made(&self, index: usize, text: &str, result: Result<&'a str, &'a str>) -> Made<'a> {
        let at = self.trace.entries[index].at;
        if !matches!(result, Err("EAGAIN" | "EINPROGRESS" | "EALREADY")) {
            return Made { at, end: None, result: Some(result), index, order: 2 * index };
        }
        // It waits, until the next call of this host at the latest.
        let after = self.trace.entries[index + 1..].iter().filter(|entry| entry.host == self.host);
        let next = after.filter_map(|entry| match &entry.what {
            What::Call { call, result, returned } => Some((entry.at, call, result, *returned)),
            _ => None,
        });
        match next.into_iter().next() {
            Some((end, call, result, true)) if call == text => {
                let result = match result {
                    Ok(value) => Ok(value.as_str()),
                    Err(errno) => Err(errno.as_str()),
                };
                Made { at, end: Some(end), result: Some(result), index, order: 2 * index }
            }
            _ => Made { at, end: None, result: None, index, order: 2 * index },
        }
    }

    fn open(&mut self) -> i32 {
        self.next_fd += 1;
        self.next_fd - 1
    }

    fn socket(&mut self, made: &Made<'_>, lines: &mut Vec<Line>) -> i32 {
        let fd = self.open();
        at_once(lines, made, format!("socket(..., SOCK_STREAM, IPPROTO_TCP) = {fd}"));
        for option in std::mem::take(&mut self.pending) {
            at_once(lines, made, setsockopt(fd, option));
        }
        fd
    }

    fn listen(&mut self, made: &Made<'_>, port: u16, fast_open: Option<u16>, text: &str, lines: &mut Vec<Line>) -> Result<(), Untold> {
        let refuse = |why| Err(Untold::Call { at: made.at, call: text.to_owned(), why });
        match made.result {
            Some(Ok(_)) if self.listener.is_some() => return refuse("a script has one port to listen on, and somebody listens there"),
            Some(Err("EADDRINUSE")) if self.port != Some(port) => return refuse("the port is taken by another than the script's listener"),
            Some(Err("EADDRINUSE") | Ok(_)) => {}
            Some(Err(_)) | None => return refuse("who may listen where is no matter of packets"),
        }
        let fd = self.socket(made, lines);
        at_once(lines, made, format!("bind({fd}, ..., ...) = {}", made.result(0)));
        if !made.is_done() {
            // A program closes the socket it cannot use.
            at_once(lines, made, format!("close({fd}) = 0"));
            return Ok(());
        }
        at_once(lines, made, format!("listen({fd}, 128) = 0"));
        if let Some(pending) = fast_open {
            at_once(lines, made, format!("setsockopt({fd}, IPPROTO_TCP, TCP_FASTOPEN, [{pending}], 4) = 0"));
        }
        (self.listener, self.port) = (Some(fd), Some(port));
        Ok(())
    }

    fn connect(
        &mut self,
        made: &Made<'_>,
        address: Option<std::net::IpAddr>,
        from_port: Option<u16>,
        text: usize,
        asks: bool,
        lines: &mut Vec<Line>,
    ) {
        let fd = self.socket(made, lines);
        if asks {
            at_once(lines, made, format!("setsockopt({fd}, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, [1], 4) = 0"));
        }
        (self.connection, self.nonblocking) = (Some(fd), false);
        if let Some(port) = from_port {
            at_once(lines, made, format!("setsockopt({fd}, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0"));
            let any = r#"sin_addr=inet_addr("0.0.0.0")"#;
            at_once(lines, made, format!("bind({fd}, {{sa_family=AF_INET, sin_port=htons({port}), {any}}}, ...) = 0"));
        }
        let other = self.trace.hosts.iter().all(|host| Some(host.address) != address);
        let to = address.filter(|_| other).map_or_else(
            || "...".to_owned(),
            |address| format!(r#"{{sa_family=AF_INET, sin_port=htons(8080), sin_addr=inet_addr("{address}")}}"#),
        );
        if made.result.is_none() {
            // Something else is done before it returns: then it is one that does not wait.
            self.nonblocking = true;
            at_once(lines, made, format!("fcntl({fd}, F_SETFL, O_RDWR|O_NONBLOCK) = 0"));
            push(lines, made, format!("connect({fd}, {to}, ...) = -1 EINPROGRESS"));
        } else if text > 0 {
            let result = made.result(text);
            push(lines, made, format!("sendto({fd}, ..., {text}, MSG_FASTOPEN, {to}, ...) = {result}"));
        } else {
            push(lines, made, format!("connect({fd}, {to}, ...) = {}", made.result(0)));
        }
    }

    /// `accept`, unless it never returns: then nobody can tell whether it was called.
    fn accept(&mut self, made: &Made<'_>, lines: &mut Vec<Line>) {
        let (Some(listener), Some(_)) = (self.listener, made.result) else { return };
        if let Some(Err(errno)) = made.result {
            push(lines, made, format!("accept({listener}, ..., ...) = -1 {errno}"));
            return;
        }
        let fd = self.open();
        (self.connection, self.nonblocking) = (Some(fd), false);
        push(lines, made, format!("accept({listener}, ..., ...) = {fd}"));
        let behind = self.since_accepted(*made);
        for option in std::mem::take(&mut self.pending) {
            at_once(lines, &behind, setsockopt(fd, option));
        }
    }

    /// The connected socket; accepts one where the program only listens so far.
    fn connected(&mut self, made: &Made<'_>, lines: &mut Vec<Line>) -> Option<i32> {
        if self.connection.is_some() {
            return self.connection;
        }
        let since = self.established(made.index)?;
        let end = (since > made.at).then_some(since);
        self.accept(&Made { end, result: Some(Ok("")), ..*made }, lines);
        self.connection
    }

    /// When the connection was there to be accepted.
    fn established(&self, index: usize) -> Option<Instant> {
        let when = self.trace.entries[self.establishing()?].at;
        Some(when.max(self.trace.entries.get(index)?.at))
    }

    /// The entry that brings the connection.
    fn establishing(&self) -> Option<usize> {
        let there = |entry: &Entry| entry.host == self.host && entry.after.is_synchronized();
        self.trace.entries.iter().position(there)
    }

    /// A call that had to wait for a connection begins when that is there.
    fn since_accepted<'b>(&self, made: Made<'b>) -> Made<'b> {
        let (Some(end), Some(position)) = (made.end, self.establishing()) else { return made };
        let at = self.trace.entries[position].at;
        if position <= made.index || at > end {
            return made;
        }
        Made { at, end: (end > at).then_some(end), order: 2 * position + 1, ..made }
    }

    fn send(&mut self, made: &Made<'_>, fd: i32, octets: usize, flag: SendFlag, text: &str, lines: &mut Vec<Line>) -> Result<(), Untold> {
        let refuse = |why| Err(Untold::Call { at: made.at, call: text.to_owned(), why });
        if made.result.is_none() {
            return refuse("it never returns");
        }
        if flag == SendFlag::Last && !self.freebsd {
            return refuse("only FreeBSD has MSG_EOF");
        }
        let result = made.count();
        let flag = match flag {
            SendFlag::Plain => {
                push(lines, made, format!("write({fd}, ..., {octets}) = {result}"));
                return Ok(());
            }
            SendFlag::More => "MSG_MORE",
            SendFlag::Urgent => "MSG_OOB",
            SendFlag::Last => "MSG_EOF",
        };
        push(lines, made, format!("send({fd}, ..., {octets}, {flag}) = {result}"));
        Ok(())
    }

    fn receive(&mut self, made: &Made<'_>, fd: i32, want: Option<u32>, text: &str, lines: &mut Vec<Line>) -> Result<(), Untold> {
        let Some(_) = made.result else {
            // What it read is gone from the buffer, so that it shows; if it read nothing, nobody can tell.
            if self.text_after(made.index) {
                return Err(Untold::Call { at: made.at, call: text.to_owned(), why: "it reads, and never returns" });
            }
            return Ok(());
        };
        let result = made.count();
        let line = match want {
            Some(want) if made.end.is_none() => format!("read({fd}, ..., {want}) = {result}"),
            Some(want) => format!("recv({fd}, ..., {want}, MSG_WAITALL) = {result}"),
            None if result == "0" || result.starts_with('-') => format!("read({fd}, ..., {EVERYTHING}) = {result}"),
            None => format!("recv({fd}, ..., {EVERYTHING}, MSG_WAITALL) = {result}"),
        };
        push(lines, made, line);
        Ok(())
    }

    /// Whether text comes to the host behind this entry.
    fn text_after(&self, index: usize) -> bool {
        self.trace.entries[index..].iter().any(|entry| match &entry.what {
            What::Arrival(id) => entry.host == self.host && self.trace.packet(*id).segment().is_some_and(|segment| segment.len > 0),
            _ => false,
        })
    }

    fn close(&mut self, made: &Made<'_>, lines: &mut Vec<Line>) {
        // Nothing has come to be accepted: then it is the listening socket that is closed.
        let there = self.connection.is_some() || self.established(made.index).is_some_and(|since| since <= made.at);
        let fd = if there { self.connected(made, lines) } else { self.listener.take() };
        self.connection = None;
        if let Some(fd) = fd {
            push(lines, made, format!("close({fd}) = {}", made.result(0)));
        }
    }

    const fn only_udp(&self) -> bool {
        self.datagrams.is_some() && self.connection.is_none() && self.listener.is_none()
    }

    fn udp_socket(&mut self, made: &Made<'_>, lines: &mut Vec<Line>) -> i32 {
        if let Some(fd) = self.datagrams {
            return fd;
        }
        let fd = self.open();
        self.datagrams = Some(fd);
        at_once(lines, made, format!("socket(..., SOCK_DGRAM, IPPROTO_UDP) = {fd}"));
        fd
    }

    fn udp(&mut self, made: &Made<'_>, call: &UdpCall, lines: &mut Vec<Line>) {
        match call {
            UdpCall::Bind { .. } => {
                let fd = self.udp_socket(made, lines);
                push(lines, made, format!("bind({fd}, ..., ...) = {}", made.result(0)));
            }
            UdpCall::Connect { .. } => {
                let fd = self.udp_socket(made, lines);
                push(lines, made, format!("connect({fd}, ..., ...) = {}", made.result(0)));
            }
            UdpCall::SendTo { text, .. } => {
                let fd = self.udp_socket(made, lines);
                push(lines, made, format!("sendto({fd}, ..., {}, 0, ..., ...) = {}", text.len(), made.count()));
            }
            UdpCall::RecvFrom(want) => self.udp_receive(made, *want, lines),
        }
    }

    fn udp_receive(&mut self, made: &Made<'_>, want: Option<u32>, lines: &mut Vec<Line>) {
        let fd = self.udp_socket(made, lines);
        // One that never returns has read nothing, and nobody can tell.
        if made.result.is_some() {
            let room = want.unwrap_or(65_535);
            push(lines, made, format!("recvfrom({fd}, ..., {room}, 0, ..., ...) = {}", made.count()));
        }
    }
}

/// The call a trace names, in the words of a scenario.
fn read(text: &str) -> Option<Call> {
    let scenario = Scenario::parse("call", &format!("A  {text}\n")).ok()?;
    let mut actions = scenario.actions();
    match &actions.next()?.1.action {
        Action::Call(call) => Some(call.clone()),
        _ => None,
    }
}

fn push(lines: &mut Vec<Line>, made: &Made<'_>, text: String) {
    lines.push(Line { order: made.order, at: made.at, end: made.end, text });
}

/// A call that does not wait, however long the one it is a part of does.
fn at_once(lines: &mut Vec<Line>, made: &Made<'_>, text: String) {
    lines.push(Line { order: made.order, at: made.at, end: None, text });
}

fn setsockopt(fd: i32, option: SocketOption) -> String {
    let (level, name, value) = match option {
        SocketOption::Linger(Some(seconds)) => ("SOL_SOCKET", "SO_LINGER", format!("{{onoff=1, linger={seconds}}}, 8")),
        SocketOption::Linger(None) => ("SOL_SOCKET", "SO_LINGER", "{onoff=0, linger=0}, 8".to_owned()),
        SocketOption::KeepAlive(on) => ("SOL_SOCKET", "SO_KEEPALIVE", number(u8::from(on))),
        SocketOption::NoDelay(on) => ("IPPROTO_TCP", "TCP_NODELAY", number(u8::from(on))),
        SocketOption::QuickAck(on) => ("IPPROTO_TCP", "TCP_QUICKACK", number(u8::from(on))),
        SocketOption::MaxSeg(octets) => ("IPPROTO_TCP", "TCP_MAXSEG", number(octets)),
        SocketOption::UserTimeout(millis) => ("IPPROTO_TCP", "TCP_USER_TIMEOUT", number(millis)),
        SocketOption::KeepIdle(seconds) => ("IPPROTO_TCP", "TCP_KEEPIDLE", number(seconds)),
        SocketOption::KeepInterval(seconds) => ("IPPROTO_TCP", "TCP_KEEPINTVL", number(seconds)),
        SocketOption::KeepCount(probes) => ("IPPROTO_TCP", "TCP_KEEPCNT", number(probes)),
    };
    format!("setsockopt({fd}, {level}, {name}, {value}) = 0")
}

/// A number as the value of an option.
fn number(value: impl std::fmt::Display) -> String {
    format!("[{value}], 4")
}
