//! Whatever stands in a file, reading it ends, without a panic; and what was read is printed so that it reads back.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::sources::packetdrill::print::tests::meaning;

const WHOLE: &str = r#"// Everything once.
--mtu=1500
--tolerance_usecs=10000 --verbose --code_command="python3 -u"
#ifdef Linux
`sysctl -q -w net.ipv4.tcp_ecn=0
 echo \`date\``
#endif
0    socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3
+0   bind(3, {sa_family = AF_INET, sin_port = htons(8080), sin_addr = inet_addr("192.168.0.1")}, ...) = 0
+0   setsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0 /* so */
+0   sendmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 0x10}], msg_flags=~MSG_MORE}, 0) = -1 EAGAIN (Try again)
+0   < ipv4 (ttl 3) 192.0.2.1 > 192.0.2.2: gre: [ect0,flowlabel 0x1] 8081 > 8080 SEW 0:0(0) win 32792 <mss 1460,sackOK,TS val 100 ecr 0!,nop,wscale 7>
+0   > (dscp af41) encap psp spi 5 P.5 4294967295:9(10)! ack 1 win 65535 urg 9 <...> /udp(9899 > 9899)
*    > R ...(0) ack 1001 <FO 00ab,md5 valid,nop,nop,gen-77 0102,exp-1234> [code 1, pen 2]
#ifdef FreeBSD
+0   nothing at all
#endif
1.0~1.2 > F. 1:1(0) <nop,nop,sack 1:2 5:7!>
+.1~+.2 > - 1:1(0) <ECN e0b 1 ceb 2 e1b 3,AccECN1 ee1b 7>
+.1...0.2 read(4, ..., 1000) = 1000
+.1  < icmp unreachable frag_needed mtu 1200 id 7 [1:1001(1000)]
+.1  < udp 5000 > 6000 (10)
+0   %{ assert tcpi_state == TCP_ESTABLISHED, tcpi_state }%
+.1  `true`
`sysctl -q -w net.ipv4.tcp_ecn=2`
"#;

/// Pieces that a text is broken with.
const PIECES: &[&str] = &[
    "\"",
    "`",
    "%{",
    "}%",
    "/*",
    "*/",
    "//",
    "\n",
    "\\",
    "#ifdef Linux\n",
    "#ifdef X\n",
    "\n#endif\n",
    "#",
    "...",
    "<",
    ">",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "!",
    "|",
    "~",
    "=",
    "+",
    "-",
    "--",
    "*",
    ".",
    "0",
    "1",
    "-1",
    "0x1",
    "99999999999999999999",
    "1.5",
    "::",
    "::1",
    "1.2.3.4",
    "é",
    "\u{feff}",
    "\0",
    "ack",
    "ipv4",
    "gre ",
    "nop",
    "FO",
    "ce",
    "S",
];

#[derive(Clone, Debug)]
enum Damage {
    Insert(prop::sample::Index, &'static str),
    Delete(prop::sample::Index, usize),
    Repeat(prop::sample::Index, usize),
    Cut(prop::sample::Index),
}

fn any_damage() -> impl Strategy<Value = Damage> {
    let place = any::<prop::sample::Index>;
    prop_oneof![
        6 => (place(), select(PIECES)).prop_map(|(at, piece)| Damage::Insert(at, piece)),
        4 => (place(), 1..20_usize).prop_map(|(at, len)| Damage::Delete(at, len)),
        2 => (place(), 1..60_usize).prop_map(|(at, len)| Damage::Repeat(at, len)),
        1 => place().prop_map(Damage::Cut),
    ]
}

fn damaged(text: &str, all: &[Damage]) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    for damage in all {
        let place = |at: &prop::sample::Index| at.index(letters.len() + 1);
        match damage {
            Damage::Insert(at, piece) => {
                let at = place(at);
                letters.splice(at..at, piece.chars());
            }
            Damage::Delete(at, len) => {
                let at = place(at);
                letters.drain(at..letters.len().min(at + len));
            }
            Damage::Repeat(at, len) => {
                let at = place(at);
                let piece: Vec<_> = letters[at..letters.len().min(at + len)].to_vec();
                letters.splice(at..at, piece);
            }
            Damage::Cut(at) => letters.truncate(place(at)),
        }
    }
    letters.into_iter().collect()
}

fn check(text: &str) -> Result<bool, TestCaseError> {
    let names = [("Linux".to_owned(), String::new())];
    let script = match parse("script.pkt", text, &names) {
        Ok(script) => script,
        Err(error) => {
            prop_assert!(!error.to_string().is_empty());
            return Ok(false);
        }
    };
    // A definition that was replaced stands no more where it did.
    if script.options.iter().all(|option| option.value.name != "define") {
        let printed = script.to_string();
        let read = parse("printed.pkt", &printed, &names).map_err(|error| TestCaseError::fail(format!("{error}\n\n{printed}")))?;
        prop_assert_eq!(meaning(&read), meaning(&script), "{}", printed);
    }
    for event in &script.events {
        prop_assert!(text.get(event.what.span.start..event.what.span.end).is_some());
    }
    Ok(true)
}

#[test]
fn the_script_that_is_damaged_reads() {
    assert!(!told_or_read(WHOLE).contains("expected"), "{}", told_or_read(WHOLE));
    check(WHOLE).unwrap_or_else(|error| panic!("{error}"));
}

fn told_or_read(text: &str) -> String {
    parse("script.pkt", text, &[("Linux".to_owned(), String::new())]).map_or_else(|error| error.to_string(), |script| script.to_string())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1500) })]

    #[test]
    fn a_damaged_script_is_read_or_refused(damage in vec(any_damage(), 1..6)) {
        check(&damaged(WHOLE, &damage))?;
    }

    #[test]
    fn a_heap_of_pieces_is_read_or_refused(pieces in vec(select(PIECES), 0..60)) {
        check(&format!("0 {}", pieces.join(" ")))?;
        check(&pieces.concat())?;
    }

    #[test]
    fn noise_is_read_or_refused(noise in "\\PC{0,200}") {
        check(&noise)?;
    }
}

#[test]
fn our_own_scripts_read_and_print_back() {
    let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts")];
    let mut checked = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|ending| ending == "pkt") {
                let text = std::fs::read_to_string(&entry).expect("a readable file");
                assert!(check(&text).unwrap_or_else(|error| panic!("{}: {error}", entry.display())), "{}", entry.display());
                checked += 1;
            }
        }
    }
    assert!(checked >= 120, "only {checked} scripts");
}
