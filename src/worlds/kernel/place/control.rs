//! Control messages as `sendmsg` and `recvmsg` have them in memory.
//!
//! Each is a header (its whole length in a `size_t`, level, type), its data, and padding up to a multiple of the size of
//! `size_t`.

use std::time::Duration;

use crate::worlds::stack::{Constant, ControlMessage};

/// The messages in memory, and how many octets they take.
pub(super) fn written(messages: &[ControlMessage]) -> (Vec<u64>, usize) {
    let mut octets = Vec::new();
    for message in messages {
        octets.extend_from_slice(&(HEADER + message.data.len()).to_ne_bytes());
        octets.extend_from_slice(&number(&message.level).to_ne_bytes());
        octets.extend_from_slice(&number(&message.kind).to_ne_bytes());
        octets.extend_from_slice(&message.data);
        octets.resize(octets.len().next_multiple_of(ALIGNMENT), 0);
    }
    let len = octets.len();
    octets.resize(len.next_multiple_of(8), 0);
    let words = octets.chunks_exact(8).map(|word| word.iter().rev().fold(0, |sum: u64, octet| sum << 8 | u64::from(*octet)));
    // Folded with the first octet lowest; as memory has them, whatever the machine's order.
    (words.map(u64::from_le).collect(), len)
}

/// The messages in the first `len` octets.
pub(super) fn read(words: &[u64], len: usize) -> Vec<ControlMessage> {
    let octets: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
    let mut rest = octets.get(..len).unwrap_or(&octets);
    let mut messages = Vec::new();
    while let Some((head, behind)) = rest.split_first_chunk::<{ size_of::<usize>() }>() {
        let whole = usize::from_ne_bytes(*head);
        let Some((level, behind)) = behind.split_first_chunk() else { break };
        let Some((kind, _)) = behind.split_first_chunk() else { break };
        let Some(data) = rest.get(HEADER..whole) else { break };
        let named = |number: [u8; 4]| Constant { value: i64::from(i32::from_ne_bytes(number)), names: Vec::new() };
        messages.push(ControlMessage { level: named(*level), kind: named(*kind), data: data.to_vec() });
        rest = rest.get(whole.next_multiple_of(ALIGNMENT)..).unwrap_or_default();
    }
    messages
}

/// The times in a message are those since `began`, not since 1970; a time that is none stays none.
pub(super) fn count_from(message: &mut ControlMessage, began: Duration) {
    // struct timespec has nanoseconds, struct timeval microseconds.
    let fraction = match (message.level.value, message.kind.value) {
        (SOL_SOCKET, SCM_TIMESTAMPING | SCM_TIMESTAMPNS) => 1,
        (SOL_SOCKET, SCM_TIMESTAMP) => 1000,
        _ => return,
    };
    for time in message.data.as_chunks_mut::<16>().0 {
        let (seconds, rest) = time.split_at_mut(8);
        let (Some(whole), Some(part)) = (seconds.first_chunk_mut::<8>(), rest.first_chunk_mut::<8>()) else { continue };
        let nanos = u64::from_ne_bytes(*part).saturating_mul(fraction);
        let at = Duration::from_secs(u64::from_ne_bytes(*whole)).saturating_add(Duration::from_nanos(nanos));
        if at.is_zero() {
            continue;
        }
        let since = at.saturating_sub(began);
        *whole = since.as_secs().to_ne_bytes();
        *part = (u64::from(since.subsec_nanos()) / fraction).to_ne_bytes();
    }
}

/// From `asm-generic/socket.h`.
const SOL_SOCKET: i64 = 1;
const SCM_TIMESTAMP: i64 = 29;
const SCM_TIMESTAMPNS: i64 = 35;
const SCM_TIMESTAMPING: i64 = 37;

fn number(constant: &Constant) -> u32 {
    u32::try_from(constant.value & 0xffff_ffff).unwrap_or(0)
}

/// Octets of `struct cmsghdr`.
const HEADER: usize = ALIGNMENT + 8;
/// What a message's length is rounded up to.
const ALIGNMENT: usize = size_of::<usize>();

#[cfg(test)]
mod tests {
    use super::*;

    fn message(level: i64, kind: i64, data: &[u8]) -> ControlMessage {
        let constant = |value| Constant { value, names: Vec::new() };
        ControlMessage { level: constant(level), kind: constant(kind), data: data.to_vec() }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for messages in [
            vec![],
            vec![message(1, 2, &[7])],
            vec![message(1, 2, &[1, 2, 3, 4, 5]), message(-1, 8, &[]), message(41, 67, &[1, 2, 3, 4, 5, 6, 7, 8, 9])],
        ] {
            let (words, len) = written(&messages);
            assert_eq!(read(&words, len), messages);
            assert_eq!(len % ALIGNMENT, 0);
        }
    }

    #[test]
    fn times_are_counted_from_the_beginning() {
        let pair = |whole: u64, part: u64| [whole.to_ne_bytes(), part.to_ne_bytes()].concat();
        let began = Duration::new(1000, 999_000_000);
        for (kind, part, since) in [(SCM_TIMESTAMPING, 9_000_000, 10_000_000), (SCM_TIMESTAMPNS, 1, 1_000_001), (SCM_TIMESTAMP, 9, 1009)] {
            let mut told = message(SOL_SOCKET, kind, &[pair(1001, part), pair(0, 0)].concat());
            count_from(&mut told, began);
            assert_eq!(told.data, [pair(0, since), pair(0, 0)].concat(), "{kind}");
        }
        let other = message(0, SCM_TIMESTAMPING, &pair(1001, 1));
        let mut told = other.clone();
        count_from(&mut told, began);
        assert_eq!(told, other, "another level's message");
    }

    #[test]
    fn a_length_is_not_believed() {
        for whole in [0, 3, HEADER - 1, 1000, usize::MAX] {
            let (mut words, len) = written(&[message(1, 2, &[7])]);
            words[0] = whole as u64;
            assert!(read(&words, len).len() <= 1, "{whole}");
        }
    }
}
