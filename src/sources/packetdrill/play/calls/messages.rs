//! `struct iovec`, `struct msghdr`, `struct epoll_event`.

use super::{Around, Expects, address, count};
use crate::sources::packetdrill::play::stop::Stop;
use crate::sources::packetdrill::play::symbols::{Kind, System};
use crate::sources::packetdrill::play::values::{constant, field, number, option_octets, record};
use crate::sources::packetdrill::syntax::{Expression, Spanned};
use crate::trace::End;
use crate::worlds::stack::{Call, Constant, ControlMessage, Fd, ReceiveForm, SendForm};

/// `[{..., 1000}, {..., 500}]`: how long each is.
pub(super) fn buffers(expression: &Spanned<Expression>, system: System) -> Result<Vec<u32>, Stop> {
    let Expression::List(items) = &expression.value else {
        return Err(Stop::error(expression.span, "expected buffers: [{..., 1000}]"));
    };
    let each = items.iter().map(|item| match record(item, "a buffer and its length")? {
        [_, len] => count(&len.value, system),
        _ => Err(Stop::error(item.span, "expected a buffer and its length: {..., 1000}")),
    });
    each.collect()
}

fn iov(fields: &Spanned<Expression>, system: System) -> Result<Vec<u32>, Stop> {
    field(record(fields, "a message")?, "msg_iov").map_or_else(|| Ok(Vec::new()), |iov| buffers(iov, system))
}

fn sum(buffers: &[u32]) -> u32 {
    buffers.iter().fold(0, |sum, len| sum.saturating_add(*len))
}

pub(super) fn receive(fd: Fd, message: &Spanned<Expression>, flags: Constant, system: System) -> Result<(Call, Expects<'_>), Stop> {
    let buffers = iov(message, system)?;
    let fields = record(message, "a message")?;
    let control = if field(fields, "msg_control").is_some() { CONTROL_ROOM } else { 0 };
    let expects = Expects::Message { flags: field(fields, "msg_flags"), control: field(fields, "msg_control") };
    Ok((Call::Receive { form: ReceiveForm::Recvmsg, fd, count: sum(&buffers), buffers: Some(buffers), flags, control }, expects))
}

/// Room for control messages, octets.
const CONTROL_ROOM: u32 = 4096;

pub(super) fn send<'a>(
    fd: Fd,
    message: &'a Spanned<Expression>,
    flags: Constant,
    there: End,
    around: &Around<'_>,
) -> Result<(Call, Expects<'a>), Stop> {
    let system = around.settings.system;
    let buffers = iov(message, system)?;
    let fields = record(message, "a message")?;
    // Whereto: a name with its length, `msg_name(16)=...`, or 0 for none.
    let to = match fields.iter().find(|field| field.name.as_ref().is_some_and(|name| name.value == "msg_name")) {
        None => None,
        Some(name) => match &name.value.value {
            Expression::Ellipsis => Some(there),
            Expression::Record(_) => Some(address(&name.value, around)?),
            _ => None,
        },
    };
    let mut control = Vec::new();
    if let Some(written) = field(fields, "msg_control") {
        let Expression::List(items) = &written.value else {
            return Err(Stop::error(written.span, "expected control messages: [{cmsg_level=..., cmsg_type=..., cmsg_data=...}]"));
        };
        for item in items {
            let (level, kind, data) = control_message(item, system)?;
            control.push(ControlMessage { level, kind, data: option_octets(data, None, system)? });
        }
    }
    let call = Call::Send { form: SendForm::Sendmsg, fd, count: sum(&buffers), buffers: Some(buffers), flags, to, control };
    Ok((call, Expects::Nothing))
}

/// `{cmsg_level=SOL_TCP, cmsg_type=TCP_CM_INQ, cmsg_data=1000}`.
pub(super) fn control_message(item: &Spanned<Expression>, system: System) -> Result<(Constant, Constant, &Spanned<Expression>), Stop> {
    let fields = record(item, "a control message")?;
    let named = |name: &str| field(fields, name).ok_or_else(|| Stop::error(item.span, format!("expected {name}")));
    let level = constant(named("cmsg_level")?, Some(Kind::Level), system)?;
    let kind = constant(named("cmsg_type")?, Some(Kind::Control), system)?;
    Ok((level, kind, named("cmsg_data")?))
}

/// `{events=EPOLLIN, fd=4}`.
pub(super) fn epoll_event(event: &Spanned<Expression>, system: System) -> Result<(Constant, u64), Stop> {
    let fields = record(event, "events and data")?;
    let events = field(fields, "events").ok_or_else(|| Stop::error(event.span, "expected events"))?;
    let data = ["fd", "u32", "u64", "ptr", "data"].into_iter().find_map(|name| field(fields, name));
    let data = data.map_or(Ok(0), |data| number(data, system))?;
    Ok((constant(events, Some(Kind::Epoll), system)?, data.cast_unsigned()))
}
