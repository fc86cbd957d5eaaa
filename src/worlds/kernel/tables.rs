//! The kernel's socket tables as text, `/proc/thread-self/net/tcp` and `tcp6`.
//!
//! For kernels that do not answer by netlink, and to hold against what [`diag`](super::diag) reads.

use std::fs;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::diag::{Row, TableError};
use super::tcp_info::state_of;
use crate::trace::End;

/// All TCP endpoints of the calling thread's network namespace, as `/proc` has them.
///
/// # Errors
/// [`TableError`], if `/proc` is not there or says something new. A kernel without IPv6 has one table only.
pub(super) fn proc_table() -> Result<Vec<Row>, TableError> {
    let mut rows = Vec::new();
    for path in ["/proc/thread-self/net/tcp", "/proc/thread-self/net/tcp6"] {
        match fs::read_to_string(path) {
            Ok(text) => rows.extend(parse_table(&text)?),
            Err(error) if error.kind() == ErrorKind::NotFound && path.ends_with('6') => {}
            Err(error) => return Err(TableError::Unreadable { path, errno: error.into() }),
        }
    }
    Ok(rows)
}

/// The rows of one table, of either family, heading and all.
///
/// # Errors
/// [`TableError::Row`] with the first line that is not of the form known.
pub fn parse_table(text: &str) -> Result<Vec<Row>, TableError> {
    let lines = text.lines().enumerate().skip(1).filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| row(line).map_err(|expected| TableError::Row { line: index + 1, expected, got: line.trim().to_owned() }))
        .collect()
}

/// One row; the error is what was expected.
fn row(line: &str) -> Result<Row, &'static str> {
    const END: &str = "an address and a port in hexadecimal";
    let mut words = line.split_ascii_whitespace();
    words.next().filter(|number| number.ends_with(':')).ok_or("a row number and a colon")?;
    let local = words.next().and_then(end).ok_or(END)?;
    let remote = words.next().and_then(end).ok_or(END)?;
    let state = words.next().and_then(|word| u8::from_str_radix(word, 16).ok()).and_then(state_of).ok_or("the number of a state")?;
    let (send_queue, receive_queue) = words.next().and_then(queues).ok_or("two lengths of queues in hexadecimal")?;
    // Between: timer, retransmissions, user, probes.
    let inode = words.nth(4).and_then(|word| word.parse().ok()).ok_or("an inode as the tenth word")?;
    Ok(Row { local, remote, state, inode, send_queue, receive_queue, timer: None })
}

/// `00000000:0000001C`: what is sent, then what is received.
fn queues(word: &str) -> Option<(u32, u32)> {
    let (sent, received) = word.split_once(':')?;
    Some((hexadecimal(sent, 8)?, hexadecimal(received, 8)?))
}

/// `0100007F:1F90`: the address in words of 32 bits, each as the machine reads its octets; the port as a number.
fn end(word: &str) -> Option<End> {
    let (address, port) = word.split_once(':')?;
    let port = hexadecimal(port, 4).and_then(|port| u16::try_from(port).ok())?;
    let address = match address.len() {
        8 => IpAddr::V4(Ipv4Addr::from(hexadecimal(address, 8)?.to_ne_bytes())),
        32 => {
            let mut octets = [0; 16];
            for (index, part) in octets.chunks_exact_mut(4).enumerate() {
                part.copy_from_slice(&hexadecimal(address.get(8 * index..8 * index + 8)?, 8)?.to_ne_bytes());
            }
            IpAddr::V6(Ipv6Addr::from(octets))
        }
        _ => return None,
    };
    Some(End { address, port })
}

/// Exactly so many hexadecimal digits; `from_str_radix` alone would take a sign.
fn hexadecimal(text: &str, digits: usize) -> Option<u32> {
    let plain = text.len() == digits && text.bytes().all(|octet| octet.is_ascii_hexdigit());
    plain.then(|| u32::from_str_radix(text, 16).ok())?
}

#[cfg(test)]
#[cfg(target_endian = "little")] // the fixed text is from such a machine
mod tests {
    use super::*;

    const HEADING: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

    fn shown(row: &Row) -> String {
        let end = |end: End| format!("{}#{}", end.address, end.port);
        format!("{} {} {} {} {}/{}", end(row.local), end(row.remote), row.state, row.inode, row.send_queue, row.receive_queue)
    }

    #[test]
    fn rows_of_both_families_are_read() {
        for (line, expected) in [
            (
                "   0: 020200C0:1F47 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 3611 1 00000000f36e2c1b 100 0 0 10 0",
                "192.0.2.2#8007 0.0.0.0#0 LISTEN 3611 0/0",
            ),
            (
                "   1: 020200C0:1F47 010200C0:2328 03 00000000:00000000 01:00000062 00000000     0        0 0 1 00000000f36e2c1b",
                "192.0.2.2#8007 192.0.2.1#9000 SYN-RECEIVED 0 0/0",
            ),
            (
                "   0: 010200C0:2328 010200C0:2328 06 00000000:00000000 03:00001752 00000000     0        0 0 3 000000007b3a6d65",
                "192.0.2.1#9000 192.0.2.1#9000 TIME-WAIT 0 0/0",
            ),
            (
                "   0: B80D0120000000000000000001000000:C1C5 B80D0120000000000000000002000000:1F47 05 00000002:00000010 00:00000000 00000000  1000        0 77 1 x",
                "2001:db8::1#49605 2001:db8::2#8007 FIN-WAIT-2 77 2/16",
            ),
        ] {
            let rows = parse_table(&format!("{HEADING}{line}\n")).expect(line);
            assert_eq!(rows.iter().map(shown).collect::<Vec<_>>(), [expected]);
        }
        assert_eq!(parse_table(HEADING), Ok(vec![]));
        assert_eq!(parse_table(""), Ok(vec![]));
    }

    #[test]
    fn a_broken_row_says_where_and_what() {
        for (line, expected) in [
            ("0: 020200C0:1F47", "line 2: expected an address"),
            ("0: 020200C0 00000000:0000 0A a b c 0 0 1", "line 2: expected an address"),
            ("0: 020200C0:+F47 00000000:0000 0A a b c 0 0 1", "line 2: expected an address"),
            ("0: 020200€0:1F47 00000000:0000 0A a b c 0 0 1", "line 2: expected an address"),
            ("0: 020200C0:1F47 00000000:0000 7F a b c 0 0 1", "line 2: expected the number of a state"),
            ("0: 020200C0:1F47 00000000:0000 0A a b c 0 0 1", "line 2: expected two lengths"),
            ("0: 020200C0:1F47 00000000:0000 0A 00000000:00000000 b c 0 0 x", "line 2: expected an inode"),
            ("0: 020200C0:1F47 00000000:0000 0A 00000000:00000000 b", "line 2: expected an inode"),
            ("nonsense", "line 2: expected a row number"),
        ] {
            let error = parse_table(&format!("{HEADING}{line}")).expect_err(line).to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics_the_parser(text in ".*\n.*\n( *[0-9]+: [0-9A-F]{0,34}:[0-9A-F]{0,5} .*)?") {
            let _ = parse_table(&text);
        }
    }
}
