//! Scripts that mean no good: damaged ones, huge numbers. Each ends, with a verdict.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::*;
use crate::engine::Profile;

/// Scripts to damage: as much of the language as fits.
const WHOLE: [&str; 3] = [
    "--tolerance_usecs=5000
`sysctl -q -w net.ipv4.tcp_ecn=1`
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < [ect0] S 0:0(0) win 32792 <mss 1000,sackOK,TS val 100 ecr 0,nop,wscale 7>
+0 > S. 0:0(0) ack 1 <...>
+.1 < . 1:1(0) ack 1 win 257 <nop,nop,sack 1:2 5:9>
+0 accept(3, ..., ...) = 4
+0 write(4, ..., 3000) = 3000
+0 > P. 1:3001(3000) ack 1 <...>
+0 < icmp unreachable frag_needed mtu 1200 [1:1001(1000)]
+.1 < FP. 1:101(100) ack 3001 win 257 urg 5
* > . 3001:3001(0) ack 102
+0 poll([{fd=4, events=POLLIN, revents=POLLIN|POLLRDHUP}], 1, 100) = 1
+0...0.5 read(4, ..., 1000) = 100
+0 %{ assert tcpi_state == TCP_CLOSE_WAIT, tcpi_state }%
+0 close(4) = 0
",
    "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0 > S 0:0(0) <...>
+1~+1.1 > S 0:0(0) <...>
+.1 < 8080 > 2 S. 0:0(0)! ack 1 win 5792 <mss 1460,FO aabbccdd,nop,nop>
+0 > . 1:1(0) ack 1 <...>
+0 sendmsg(3, {msg_name(...)=..., msg_iov(2)=[{..., 10}, {..., 20}], msg_flags=0}, MSG_MORE) = 30
+0 setsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0
+0 getsockopt(3, SOL_TCP, TCP_INFO, ..., ...) = 0
+0 shutdown(3, SHUT_WR) = 0
+3600 close(3) = 0
",
    "0 socket(..., SOCK_DGRAM, IPPROTO_UDP) = 3
+0 bind(3, ..., ...) = 0
+0 connect(3, ..., ...) = 0
+0 write(3, ..., 100) = 100
+0 > udp (100)
+0 < udp (50)
+0 `sockstat -4 -P tcp -s | grep -c LISTEN | grep 0`
+0 < icmp echo_request id 7
+0 read(3, ..., 100) = 50
",
];

/// What numbers are replaced by.
const NUMBERS: [&str; 12] =
    ["0", "1", "3", "4", "65535", "65536", "4294967295", "2147483647", "-1", "99999999999999999999", "0x7fffffffffffffff", "..."];

/// Words, and whatever stands between them, one by one.
fn words(script: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for character in script.chars() {
        match words.last_mut() {
            Some(last) if character.is_alphanumeric() && last.ends_with(char::is_alphanumeric) => last.push(character),
            _ => words.push(character.to_string()),
        }
    }
    words
}

/// The script with a few things wrong.
fn damaged(script: &str, random: &mut ChaCha8Rng) -> String {
    let mut words = words(script);
    let below = |random: &mut ChaCha8Rng, bound: usize| random.next_u32() as usize % bound.max(1);
    for _ in 0..=below(random, 3) {
        let (at, other) = (below(random, words.len()), below(random, words.len()));
        match random.next_u32() % 5 {
            0 => words[at].clear(),
            1 => words.swap(at, other),
            2 => words[at] = words[other].clone(),
            3 => {
                // A line again, or none: calls twice, packets that never come.
                let text = words.concat();
                let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
                let (from, to) = (below(random, lines.len()), below(random, lines.len()));
                if let Some(line) = lines.get(from).cloned() {
                    lines.insert(to, line);
                }
                words = self::words(&(lines.join("\n") + "\n"));
            }
            _ => {
                let numbers = words.iter().enumerate().filter(|(_, word)| word.starts_with(|digit: char| digit.is_ascii_digit()));
                let numbers: Vec<_> = numbers.map(|(index, _)| index).collect();
                if let Some(index) = numbers.get(below(random, numbers.len())) {
                    words[*index] = NUMBERS[below(random, NUMBERS.len())].to_owned();
                }
            }
        }
    }
    words.concat()
}

#[test]
fn damaged_scripts_end_with_a_verdict() {
    let rounds = std::env::var("SYNFIN_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(400);
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let (mut played, mut passed) = (0, 0);
    for round in 0..rounds {
        let text = damaged(WHOLE[round % WHOLE.len()], &mut random);
        let Ok(script) = parse("t.pkt", &text, &[]) else { continue };
        let profile = if round % 2 == 0 { Profile::linux() } else { Profile::freebsd() };
        let context = context(&text);
        let Ok(settings) = settings(&script, &context) else { continue };
        let stack = settings.sockets(profile, 1);
        let report = play(&script, &context, &mut Virtual::new(stack));
        played += 1;
        passed += usize::from(report.verdict == Verdict::Passed);
        // What is told of it can be shown.
        let _ = told(&report.verdict);
    }
    assert!(played > rounds / 10 && passed < played, "{passed} of {played} passed");
}

#[test]
fn who_sends_more_than_there_is_memory_is_stopped() {
    let line = "+0 < . 1:65001(65000) ack 1 win 5\n".repeat(1100);
    assert!(broken(&format!("{ACCEPTED}{line}"), accepted()).contains("packets of more than 64 MiB"));
}
