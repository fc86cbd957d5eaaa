//! System call lines as calls to a stack.

mod answers;
mod messages;

use std::collections::BTreeMap;

pub(super) use answers::{Expects, check};

use super::settings::{IpVersion, Settings};
use super::stop::Stop;
use super::symbols::{Kind, System};
use super::values::{constant, field, number, option_octets, record};
use crate::nearest::nearest;
use crate::sources::packetdrill::syntax::{Expression, Spanned, SystemCall};
use crate::trace::End;
use crate::worlds::stack::{Call, Constant, Fd, PollFd, ReceiveForm, SendForm};

/// A script's descriptors with the stack's.
pub(super) type Fds = BTreeMap<i64, Fd>;

/// What stands around a system call: the descriptors and the options.
pub(super) struct Around<'a> {
    pub(super) fds: &'a Fds,
    pub(super) settings: &'a Settings,
}

/// The arguments of a call.
struct Arguments<'a, 'b> {
    name: &'a Spanned<String>,
    list: &'a [Spanned<Expression>],
    around: &'b Around<'b>,
}

/// The calls that are understood, for whom one is mistyped.
#[rustfmt::skip]
const NAMES: [&str; 30] = [
    "socket", "bind", "listen", "accept", "connect", "read", "recv", "recvfrom", "readv", "recvmsg", "write", "send", "sendto", "writev",
    "sendmsg", "sendfile", "shutdown", "close", "getsockopt", "setsockopt", "fcntl", "ioctl", "poll", "open", "pipe", "splice",
    "epoll_create", "epoll_ctl", "epoll_wait", "cap_set",
];

/// The most octets one call may speak of.
const MOST_OCTETS: i64 = 1 << 31;

impl<'a> Arguments<'a, '_> {
    fn system(&self) -> System {
        self.around.settings.system
    }

    fn counted(&self, least: usize, most: usize) -> Result<(), Stop> {
        if (least..=most).contains(&self.list.len()) {
            return Ok(());
        }
        let how_many = if least == most { least.to_string() } else { format!("{least} to {most}") };
        Err(Stop::error(self.name.span, format!("{} takes {how_many} arguments, found {}", self.name.value, self.list.len())))
    }

    fn at(&self, index: usize) -> &'a Spanned<Expression> {
        &self.list[index]
    }

    fn is_ellipsis(&self, index: usize) -> bool {
        self.list[index].value == Expression::Ellipsis
    }

    fn number(&self, index: usize) -> Result<i64, Stop> {
        number(self.at(index), self.system())
    }

    fn int(&self, index: usize) -> Result<i32, Stop> {
        let value = self.number(index)?;
        i32::try_from(value).map_err(|_| Stop::error(self.at(index).span, "expected a number of 32 bits"))
    }

    /// A count of octets.
    fn count(&self, index: usize) -> Result<u32, Stop> {
        count(self.at(index), self.system())
    }

    fn constant(&self, index: usize, kind: Kind) -> Result<Constant, Stop> {
        constant(self.at(index), Some(kind), self.system())
    }

    fn fd(&self, index: usize) -> Result<Fd, Stop> {
        descriptor(self.at(index), self.around)
    }

    /// Whereto: what the options say where it is `...`.
    fn end(&self, index: usize, obvious: End) -> Result<End, Stop> {
        match &self.at(index).value {
            Expression::Ellipsis => Ok(obvious),
            Expression::Record(_) => address(self.at(index), self.around),
            _ => Err(Stop::error(self.at(index).span, "expected ..., or an address in braces")),
        }
    }

    fn buffers(&self, index: usize) -> Result<Vec<u32>, Stop> {
        messages::buffers(self.at(index), self.system())
    }

    /// A single buffer: `None` for a null pointer.
    fn is_buffer(&self, index: usize) -> Result<bool, Stop> {
        match &self.at(index).value {
            Expression::Ellipsis | Expression::Text(_) | Expression::List(_) => Ok(true),
            _ if self.number(index)? == 0 => Ok(false),
            _ => Err(Stop::error(self.at(index).span, "expected ... or NULL for a buffer")),
        }
    }
}

pub(super) fn count(expression: &Spanned<Expression>, system: System) -> Result<u32, Stop> {
    let value = number(expression, system)?;
    let count = u32::try_from(value).ok().filter(|_| value <= MOST_OCTETS);
    count.ok_or_else(|| Stop::error(expression.span, "expected a number of octets up to 2147483648"))
}

/// The stack's descriptor for one the script writes; a negative one is written to be refused.
pub(super) fn descriptor(expression: &Spanned<Expression>, around: &Around<'_>) -> Result<Fd, Stop> {
    let written = number(expression, around.settings.system)?;
    match (around.fds.get(&written), i32::try_from(written)) {
        (Some(fd), _) => Ok(*fd),
        (None, Ok(negative)) if negative < 0 => Ok(negative),
        _ => Err(Stop::error(expression.span, format!("descriptor {written} is not open in the script"))),
    }
}

/// `{sa_family = AF_INET, sin_port = htons(8080), sin_addr = inet_addr("192.0.2.1")}`.
pub(super) fn address(expression: &Spanned<Expression>, around: &Around<'_>) -> Result<End, Stop> {
    let fields = record(expression, "an address")?;
    let port = ["sin_port", "sin6_port"].into_iter().find_map(|name| field(fields, name));
    let port = port.map_or(Ok(0), |port| number(port, around.settings.system))?;
    let port = u16::try_from(port).map_err(|_| Stop::error(expression.span, "expected a port up to 65535"))?;
    let written = ["sin_addr", "sin6_addr"].into_iter().find_map(|name| field(fields, name));
    let written = written.ok_or_else(|| Stop::error(expression.span, "expected sin_addr in the address"))?;
    let text = match &written.value {
        Expression::Address(address) => return Ok(End { address: around.settings.as_given(*address), port }),
        Expression::Apply(_, arguments) => match arguments.as_slice() {
            [Spanned { value: Expression::Text(text), .. }] => text.as_str(),
            [Spanned { value: Expression::Address(address), .. }] => return Ok(End { address: around.settings.as_given(*address), port }),
            _ => "",
        },
        Expression::Text(text) => text,
        Expression::Word(name) if name == "INADDR_ANY" => "0.0.0.0",
        Expression::Word(name) if name == "INADDR_LOOPBACK" => "127.0.0.1",
        _ => "",
    };
    let address = text.parse().map_err(|_| Stop::error(written.span, "expected inet_addr(\"ADDRESS\")"))?;
    Ok(End { address: around.settings.as_given(address), port })
}

/// The call a line makes, and what is expected of it beside the result.
pub(super) fn prepare<'a>(call: &'a SystemCall, around: &Around<'_>) -> Result<(Call, Expects<'a>), Stop> {
    // The lifetime of what is expected is the script's; the arguments' is that of both.
    let list: &'a [Spanned<Expression>] = &call.arguments;
    let arguments = Arguments { name: &call.name, list, around };
    let system = around.settings.system;
    let given = |address, port| End { address: around.settings.as_given(address), port };
    let Settings { local, remote, bind_port, connect_port, .. } = *around.settings;
    let here = given(local, bind_port);
    let there = given(remote, connect_port);
    let nothing = |call| Ok((call, Expects::Nothing));
    let counted = |least, most| arguments.counted(least, most);
    let fd = || arguments.fd(0);
    match call.name.value.as_str() {
        "socket" => {
            counted(3, 3)?;
            let domain = if arguments.is_ellipsis(0) {
                let name = if around.settings.version == IpVersion::V4 { "AF_INET" } else { "AF_INET6" };
                system.named(name).unwrap_or_default()
            } else {
                arguments.constant(0, Kind::Family)?
            };
            let (kind, protocol) = (arguments.constant(1, Kind::Socket)?, arguments.constant(2, Kind::Protocol)?);
            Ok((Call::Socket { domain, kind, protocol }, Expects::Descriptor))
        }
        "bind" => {
            counted(3, 3)?;
            nothing(Call::Bind { fd: fd()?, to: arguments.end(1, here)? })
        }
        "listen" => {
            counted(2, 2)?;
            nothing(Call::Listen { fd: fd()?, backlog: arguments.int(1)? })
        }
        "accept" => {
            counted(3, 3)?;
            Ok((Call::Accept { fd: fd()? }, Expects::Descriptor))
        }
        "connect" => {
            counted(3, 3)?;
            let ended = match &arguments.at(1).value {
                Expression::Word(name) => name == "AF_UNSPEC",
                Expression::Record(fields) => match field(fields, "sa_family") {
                    Some(family) => constant(family, Some(Kind::Family), system)?.has("AF_UNSPEC"),
                    None => false,
                },
                _ => false,
            };
            let to = if ended { None } else { Some(arguments.end(1, there)?) };
            nothing(Call::Connect { fd: fd()?, to })
        }
        "read" | "recv" | "recvfrom" => {
            let (form, most) = match call.name.value.as_str() {
                "read" => (ReceiveForm::Read, 3),
                "recv" => (ReceiveForm::Recv, 4),
                _ => (ReceiveForm::Recvfrom, 6),
            };
            counted(most, most)?;
            let count = arguments.count(2)?;
            let buffers = arguments.is_buffer(1)?.then(|| vec![count]);
            let flags = if most > 3 { arguments.constant(3, Kind::Message)? } else { Constant::default() };
            nothing(Call::Receive { form, fd: fd()?, buffers, count, flags, control: 0 })
        }
        "readv" => {
            counted(3, 3)?;
            let buffers = arguments.buffers(1)?;
            let count = buffers.iter().fold(0_u32, |sum, len| sum.saturating_add(*len));
            let (form, flags) = (ReceiveForm::Readv, Constant::default());
            nothing(Call::Receive { form, fd: fd()?, buffers: Some(buffers), count, flags, control: 0 })
        }
        "recvmsg" => {
            counted(3, 3)?;
            messages::receive(fd()?, arguments.at(1), arguments.constant(2, Kind::Message)?, system)
        }
        "write" | "send" | "sendto" => {
            let (form, most) = match call.name.value.as_str() {
                "write" => (SendForm::Write, 3),
                "send" => (SendForm::Send, 4),
                _ => (SendForm::Sendto, 6),
            };
            counted(most, most)?;
            let count = arguments.count(2)?;
            let buffers = arguments.is_buffer(1)?.then(|| vec![count]);
            let flags = if most > 3 { arguments.constant(3, Kind::Message)? } else { Constant::default() };
            let null = |index: usize| matches!(arguments.at(index).value, Expression::Integer(0)) || is_null(arguments.at(index));
            let to = if most > 4 && !null(4) { Some(arguments.end(4, there)?) } else { None };
            nothing(Call::Send { form, fd: fd()?, buffers, count, flags, to, control: Vec::new() })
        }
        "writev" => {
            counted(3, 3)?;
            let buffers = arguments.buffers(1)?;
            let count = buffers.iter().fold(0_u32, |sum, len| sum.saturating_add(*len));
            let (form, flags) = (SendForm::Writev, Constant::default());
            nothing(Call::Send { form, fd: fd()?, buffers: Some(buffers), count, flags, to: None, control: Vec::new() })
        }
        "sendmsg" => {
            counted(3, 3)?;
            messages::send(fd()?, arguments.at(1), arguments.constant(2, Kind::Message)?, there, around)
        }
        "sendfile" => {
            counted(4, 4)?;
            let offset = if arguments.is_ellipsis(2) { 0 } else { arguments.number(2)? };
            nothing(Call::Sendfile { to: fd()?, from: arguments.fd(1)?, offset, count: arguments.count(3)? })
        }
        "shutdown" => {
            counted(2, 2)?;
            nothing(Call::Shutdown { fd: fd()?, how: arguments.constant(1, Kind::Shutdown)? })
        }
        "close" => {
            counted(1, 1)?;
            nothing(Call::Close { fd: fd()? })
        }
        "getsockopt" => {
            counted(5, 5)?;
            let (level, name) = option(&arguments)?;
            let room = match &arguments.at(4).value {
                Expression::Ellipsis => ROOM,
                _ => arguments.count(4)?,
            };
            let expects = Expects::Value { value: arguments.at(3), len: arguments.at(4) };
            Ok((Call::GetOption { fd: fd()?, level, name, len: room }, expects))
        }
        "setsockopt" => {
            counted(5, 5)?;
            let (level, name) = option(&arguments)?;
            let len = if arguments.is_ellipsis(4) { None } else { Some(arguments.count(4)?) };
            let value = option_octets(arguments.at(3), len, system)?;
            let len = len.unwrap_or_else(|| u32::try_from(value.len()).unwrap_or(u32::MAX));
            nothing(Call::SetOption { fd: fd()?, level, name, value, len })
        }
        "fcntl" => {
            counted(2, 3)?;
            let command = arguments.constant(1, Kind::Fcntl)?;
            let argument = if arguments.list.len() > 2 { Some(arguments.constant(2, Kind::Open)?) } else { None };
            nothing(Call::Fcntl { fd: fd()?, command, argument })
        }
        "ioctl" => {
            counted(2, 3)?;
            let request = arguments.constant(1, Kind::Ioctl)?;
            let (argument, expects) = match arguments.list.get(2) {
                None => (None, Expects::Nothing),
                Some(Spanned { value: Expression::List(_) | Expression::Ellipsis, .. }) => (None, Expects::Number(arguments.at(2))),
                Some(_) => (Some(arguments.number(2)?), Expects::Nothing),
            };
            Ok((Call::Ioctl { fd: fd()?, request, argument }, expects))
        }
        "poll" => {
            counted(3, 3)?;
            let Expression::List(entries) = &arguments.at(0).value else {
                return Err(Stop::error(arguments.at(0).span, "expected [{fd=3, events=POLLIN, revents=POLLIN}, ...]"));
            };
            let mut fds = Vec::new();
            let mut expected = Vec::new();
            for entry in entries {
                let fields = record(entry, "fd, events and revents")?;
                let named = |name: &str| field(fields, name).ok_or_else(|| Stop::error(entry.span, format!("expected {name}")));
                let events = constant(named("events")?, Some(Kind::Poll), system)?;
                fds.push(PollFd { fd: descriptor(named("fd")?, around)?, events });
                expected.push(named("revents")?);
            }
            Ok((Call::Poll { fds, timeout: arguments.int(2)? }, Expects::Poll(expected)))
        }
        "open" => {
            counted(2, 3)?;
            let Expression::Text(path) = &arguments.at(0).value else {
                return Err(Stop::error(arguments.at(0).span, "expected a path in quotes"));
            };
            Ok((Call::Open { path: path.clone(), flags: arguments.constant(1, Kind::Open)? }, Expects::Descriptor))
        }
        "pipe" => {
            counted(1, 1)?;
            match &arguments.at(0).value {
                Expression::List(pair) if pair.len() == 2 => Ok((Call::Pipe, Expects::Pair(&pair[0], &pair[1]))),
                _ => Err(Stop::error(arguments.at(0).span, "expected two descriptors: [5, 6]")),
            }
        }
        "splice" => {
            counted(6, 6)?;
            let (count, flags) = (arguments.count(4)?, arguments.constant(5, Kind::Splice)?);
            nothing(Call::Splice { from: fd()?, to: arguments.fd(2)?, count, flags })
        }
        "epoll_create" => {
            counted(1, 1)?;
            Ok((Call::EpollCreate { size: arguments.int(0)? }, Expects::Descriptor))
        }
        "epoll_ctl" => {
            counted(4, 4)?;
            let (events, data) = match &arguments.at(3).value {
                Expression::Record(_) => messages::epoll_event(arguments.at(3), system)?,
                _ => (Constant::default(), 0),
            };
            let (operation, about) = (arguments.constant(1, Kind::EpollControl)?, arguments.fd(2)?);
            nothing(Call::EpollControl { epoll: fd()?, operation, fd: about, events, data })
        }
        "epoll_wait" => {
            counted(4, 4)?;
            let expected = match &arguments.at(1).value {
                Expression::List(events) => events.iter().collect(),
                Expression::Record(_) => vec![arguments.at(1)],
                _ => Vec::new(),
            };
            Ok((Call::EpollWait { epoll: fd()?, max: arguments.int(2)?, timeout: arguments.int(3)? }, Expects::Epoll(expected)))
        }
        "cap_set" => {
            let mut names = Vec::new();
            for argument in list {
                words(argument, &mut names);
            }
            nothing(Call::CapSet { names })
        }
        name => {
            let hint = nearest(name, NAMES).map(|known| format!("; is it {known}?")).unwrap_or_default();
            Err(Stop::unsupported(call.name.span, format!("the call {name}{hint}")))
        }
    }
}

/// Room for an option's value where `...` stands for its length.
const ROOM: u32 = 256;

fn is_null(expression: &Spanned<Expression>) -> bool {
    matches!(&expression.value, Expression::Word(name) if name == "NULL")
}

/// Level and name of an option.
fn option(arguments: &Arguments<'_, '_>) -> Result<(Constant, Constant), Stop> {
    let level = arguments.constant(1, Kind::Level)?;
    let kind = match () {
        () if level.has("SOL_SOCKET") => Kind::SocketOption,
        () if level.has("SOL_TCP") => Kind::TcpOption,
        () if level.has("SOL_IP") => Kind::IpOption,
        () if level.has("SOL_IPV6") => Kind::Ipv6Option,
        () => Kind::OtherOption,
    };
    let name = arguments.constant(2, kind)?;
    Ok((level, name))
}

/// The words of an expression, in order.
fn words(expression: &Spanned<Expression>, names: &mut Vec<String>) {
    match &expression.value {
        Expression::Word(name) => names.push(name.clone()),
        Expression::Or(parts) | Expression::List(parts) | Expression::Apply(_, parts) => parts.iter().for_each(|part| words(part, names)),
        Expression::Record(fields) => fields.iter().for_each(|field| words(&field.value, names)),
        Expression::Not(inner) => words(inner, names),
        Expression::Ellipsis | Expression::Integer(_) | Expression::Hex(_) | Expression::Text(_) | Expression::Address(_) => {}
    }
}
