//! What a person is told of each mistake: where, what would be right, what stands there.

use super::*;
use crate::sources::packetdrill::parse::call::{MAX_DEPTH, MAX_VALUES};

#[test]
fn a_script_has_events() {
    insta::assert_snapshot!(told(""), @"
    script.pkt:1:1: expected the first event, such as `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3`, found the end of the script
       |
     1 | 
       | ^
    ");
    insta::assert_snapshot!(told("--mtu=1500\n"), @"
    script.pkt:1:11: expected the first event, such as `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3`, found the end of the script
       |
     1 | --mtu=1500
       |           ^
    ");
    insta::assert_snapshot!(told("`true`\n"), @"
    script.pkt:1:7: expected the first event, such as `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3`, found the end of the script
       |
     1 | `true`
       |       ^
    ");
}

#[test]
fn the_first_event_is_at_0() {
    insta::assert_snapshot!(told("0.1 f() = 0"), @r#"
    script.pkt:1:1: expected the first event at 0 or +0, found "0.1"
       |
     1 | 0.1 f() = 0
       | ^^^
    "#);
    insta::assert_snapshot!(told("* > . 1:1(0)"), @r#"
    script.pkt:1:1: expected the first event at 0 or +0, found "*"
       |
     1 | * > . 1:1(0)
       | ^
    "#);
}

#[test]
fn a_time_is_not_negative() {
    insta::assert_snapshot!(told_of("-1 f() = 0"), @r#"
    script.pkt:2:1: expected a time that is not negative, found "-1"
       |
     2 | -1 f() = 0
       | ^^
    "#);
    insta::assert_snapshot!(told_of("+-.5 f() = 0"), @r#"
    script.pkt:2:2: expected a time that is not negative, found "-"
       |
     2 | +-.5 f() = 0
       |  ^
    "#);
}

#[test]
fn a_time_is_a_year_at_most() {
    insta::assert_snapshot!(told_of("99999999 f() = 0"), @r#"
    script.pkt:2:1: expected a time of a year at most, found "99999999"
       |
     2 | 99999999 f() = 0
       | ^^^^^^^^
    "#);
    insta::assert_snapshot!(told_of("99999999999999999999999 f() = 0"), @r#"
    script.pkt:2:1: expected a time of a year at most, found "99999999999999999999999"
       |
     2 | 99999999999999999999999 f() = 0
       | ^^^^^^^^^^^^^^^^^^^^^^^
    "#);
}

#[test]
fn absolute_times_do_not_decrease() {
    insta::assert_snapshot!(told("0 f() = 0\n1.5 f() = 0\n1.2 f() = 0\n"), @r#"
    script.pkt:3:1: expected a time that is not before that of the previous event, 1.5, found "1.2"
       |
     3 | 1.2 f() = 0
       | ^^^
    "#);
}

#[test]
fn a_range_does_not_run_backwards() {
    insta::assert_snapshot!(told_of("1.2~1.0 > . 1:1(0)"), @r#"
    script.pkt:2:1: expected a range whose end is not before its beginning, found "1.2~1.0"
       |
     2 | 1.2~1.0 > . 1:1(0)
       | ^^^^^^^
    "#);
    insta::assert_snapshot!(told_of("+.2~+.1 > . 1:1(0)"), @r#"
    script.pkt:2:1: expected a range whose end is not before its beginning, found "+.2~+.1"
       |
     2 | +.2~+.1 > . 1:1(0)
       | ^^^^^^^
    "#);
}

#[test]
fn both_ends_of_a_range_count_from_the_same_moment() {
    insta::assert_snapshot!(told_of("+.1~.2 > . 1:1(0)"), @r#"
    script.pkt:2:5: expected + and the end of the range, for its beginning has a + too, found ".2"
       |
     2 | +.1~.2 > . 1:1(0)
       |     ^^
    "#);
    insta::assert_snapshot!(told_of(".1~+.2 > . 1:1(0)"), @r#"
    script.pkt:2:4: expected the end of the range without a +, for its beginning has none, found "+"
       |
     2 | .1~+.2 > . 1:1(0)
       |    ^
    "#);
}

#[test]
fn only_packets_that_are_expected_come_at_any_time() {
    insta::assert_snapshot!(told_of("* < . 1:1(0) win 1"), @r#"
    script.pkt:2:1: expected one moment, for only a packet that is expected (>) may come at several, found "*"
       |
     2 | * < . 1:1(0) win 1
       | ^
    "#);
    insta::assert_snapshot!(told_of("1~2 f() = 0"), @r#"
    script.pkt:2:1: expected one moment, for only a packet that is expected (>) may come at several, found "1~2"
       |
     2 | 1~2 f() = 0
       | ^^^
    "#);
    insta::assert_snapshot!(told_of("* `true`"), @r#"
    script.pkt:2:1: expected one moment, for only a packet that is expected (>) may come at several, found "*"
       |
     2 | * `true`
       | ^
    "#);
}

#[test]
fn only_a_call_lasts() {
    insta::assert_snapshot!(told_of("+0...1 > . 1:1(0)"), @r#"
    script.pkt:2:8: expected a system call, which alone can last until another time, found ">"
       |
     2 | +0...1 > . 1:1(0)
       |        ^
    "#);
    insta::assert_snapshot!(told_of("1~2...3 f() = 0"), @r#"
    script.pkt:2:4: expected what happens, for a call begins at one moment, found "..."
       |
     2 | 1~2...3 f() = 0
       |    ^^^
    "#);
}

#[test]
fn a_call_does_not_return_before_it_begins() {
    insta::assert_snapshot!(told_of("+.2...0.1 f() = 0"), @r#"
    script.pkt:2:7: expected a time that is not before the call begins, found "0.1"
       |
     2 | +.2...0.1 f() = 0
       |       ^^^
    "#);
    insta::assert_snapshot!(told_of("+.1...+.2 f() = 0"), @r#"
    script.pkt:2:7: expected when the call returns, without a +: it counts from where its beginning does, found "+"
       |
     2 | +.1...+.2 f() = 0
       |       ^
    "#);
    insta::assert_snapshot!(told_of("+.1... f() = 0"), @r#"
    script.pkt:2:8: expected when the call returns, such as 0.1...0.2, found "f"
       |
     2 | +.1... f() = 0
       |        ^
    "#);
}

#[test]
fn an_event_has_a_time() {
    insta::assert_snapshot!(told_of("f() = 0"), @r#"
    script.pkt:2:1: expected a time such as 0.1, +.1, 0.1~0.2, +.1~+.2 or *, found "f"
       |
     2 | f() = 0
       | ^
    "#);
    insta::assert_snapshot!(told_of("> . 1:1(0)"), @r#"
    script.pkt:2:1: expected a time such as 0.1, +.1, 0.1~0.2, +.1~+.2 or *, found ">"
       |
     2 | > . 1:1(0)
       | ^
    "#);
    insta::assert_snapshot!(told("`a`\n`b`\n0 f() = 0"), @r#"
    script.pkt:2:1: expected the first event, such as `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3`, found "`b`"
       |
     2 | `b`
       | ^^^
    "#);
}

#[test]
fn something_happens_at_a_time() {
    insta::assert_snapshot!(told_of("+0"), @"
    script.pkt:2:3: expected a packet (< or >), a system call, a command in backticks or code in %{ }%, found the end of the script
       |
     2 | +0
       |   ^
    ");
    insta::assert_snapshot!(told_of("+0 +0 f() = 0"), @r#"
    script.pkt:2:4: expected a packet (< or >), a system call, a command in backticks or code in %{ }%, found "+"
       |
     2 | +0 +0 f() = 0
       |    ^
    "#);
    insta::assert_snapshot!(told_of("+0 icmp unreachable"), @r#"
    script.pkt:2:4: expected < or > before a packet, found "icmp"
       |
     2 | +0 icmp unreachable
       |    ^^^^
    "#);
}

#[test]
fn a_command_without_a_time_is_first_or_last() {
    insta::assert_snapshot!(told("0 f() = 0\n`a`\n+0 f() = 0"), @"
    script.pkt:2:1: expected a time before a command that is neither the first line nor the last, found a command without one
       |
     2 | `a`
       | ^^^
    ");
}

#[test]
fn an_option_has_a_name_and_a_value_behind_its_equals_sign() {
    insta::assert_snapshot!(told("--=5"), @"
    script.pkt:1:1: expected an option such as --mtu=1500, found no name
       |
     1 | --=5
       | ^^
    ");
    insta::assert_snapshot!(told("--mtu=\n0 f() = 0"), @"
    script.pkt:1:7: expected a value behind the =, found none
       |
     1 | --mtu=
       |       ^
    ");
    insta::assert_snapshot!(told("--mtu 1500\n0 f() = 0"), @r#"
    script.pkt:1:7: expected = before the value of --mtu, found "1500"
       |
     1 | --mtu 1500
       |       ^^^^
    "#);
    insta::assert_snapshot!(told("--define=5\n--define\n"), @"
    script.pkt:2:1: expected --define=NAME=value, found no name
       |
     2 | --define
       | ^^^^^^^^
    ");
    insta::assert_snapshot!(told("--mtu=\"a\"b"), @r#"
    script.pkt:1:10: expected the end of the option, found "b"
       |
     1 | --mtu="a"b
       |          ^
    "#);
    insta::assert_snapshot!(told("--mtu=\"a"), @r#"
    script.pkt:1:7: expected the " at the end of the string, found none
       |
     1 | --mtu="a
       |       ^
    "#);
}

#[test]
fn options_come_first() {
    insta::assert_snapshot!(told_of("--mtu=1500"), @r#"
    script.pkt:2:1: expected options before the first command and the first event, found "-"
       |
     2 | --mtu=1500
       | ^
    "#);
}

#[test]
fn a_line_without_an_end_tells_where_it_should_be() {
    insta::assert_snapshot!(told_of("+0 > . 1:1(0) ack\n+0 f() = 0"), @"
    script.pkt:2:18: expected the number behind ack, from 0 to 4294967295, found the end of the line
       |
     2 | +0 > . 1:1(0) ack
       |                  ^
    ");
    insta::assert_snapshot!(told_of("+0 f(3, 4\n+0 > . 1:1(0)"), @"
    script.pkt:2:10: expected , or ) behind an argument, found the end of the line
       |
     2 | +0 f(3, 4
       |          ^
    ");
    insta::assert_snapshot!(told_of("+0 f() ="), @r#"
    script.pkt:2:9: expected a value: a number, a constant, "text", ..., [list] or {structure}, found the end of the script
       |
     2 | +0 f() =
       |         ^
    "#);
}

#[test]
fn strings_commands_code_and_comments_end() {
    insta::assert_snapshot!(told_of("+0 f(\"abc) = 0"), @r#"
    script.pkt:2:6: expected the " at the end of the string, found none
       |
     2 | +0 f("abc) = 0
       |      ^
    "#);
    insta::assert_snapshot!(told_of("+0 `true"), @"
    script.pkt:2:4: expected the ` at the end of the command, found none
       |
     2 | +0 `true
       |    ^
    ");
    insta::assert_snapshot!(told_of("+0 %{ assert"), @"
    script.pkt:2:4: expected the }% at the end of the code, found none
       |
     2 | +0 %{ assert
       |    ^^
    ");
    insta::assert_snapshot!(told_of("/* so"), @"
    script.pkt:2:1: expected the */ at the end of the comment, found none
       |
     2 | /* so
       | ^^
    ");
}

#[test]
fn flags_are_known_letters() {
    insta::assert_snapshot!(told_of("+0 > SX 0:0(0)"), @r#"
    script.pkt:2:7: expected the flags: some of S F R P U E W A, . for ACK, a digit from 0 to 7, or - for none, found "X"
       |
     2 | +0 > SX 0:0(0)
       |       ^
    "#);
    insta::assert_snapshot!(told_of("+0 > ACK 0:0(0)"), @r#"
    script.pkt:2:7: expected the flags: some of S F R P U E W A, . for ACK, a digit from 0 to 7, or - for none, found "C"
       |
     2 | +0 > ACK 0:0(0)
       |       ^
    "#);
    insta::assert_snapshot!(told_of("+0 > 1:1(0)"), @r#"
    script.pkt:2:6: expected the flags: some of S F R P U E W A, . for ACK, a digit from 0 to 7, or - for none, found "1:1(0)"
       |
     2 | +0 > 1:1(0)
       |      ^^^^^^
    "#);
    insta::assert_snapshot!(told_of("+0 > .8 1:1(0)"), @r#"
    script.pkt:2:7: expected the flags: some of S F R P U E W A, . for ACK, a digit from 0 to 7, or - for none, found "8"
       |
     2 | +0 > .8 1:1(0)
       |       ^
    "#);
}

#[test]
fn each_flag_is_written_once() {
    insta::assert_snapshot!(told_of("+0 > SS 0:0(0)"), @r#"
    script.pkt:2:6: expected each flag once, found "SS"
       |
     2 | +0 > SS 0:0(0)
       |      ^^
    "#);
    insta::assert_snapshot!(told_of("+0 > .77 0:0(0)"), @r#"
    script.pkt:2:8: expected the flags: some of S F R P U E W A, . for ACK, a digit from 0 to 7, or - for none, found "7"
       |
     2 | +0 > .77 0:0(0)
       |        ^
    "#);
    insta::assert_snapshot!(told_of("+0 > S- 0:0(0)"), @r#"
    script.pkt:2:7: expected the flags: some of S F R P U E W A, . for ACK, a digit from 0 to 7, or - for none, found "-"
       |
     2 | +0 > S- 0:0(0)
       |       ^
    "#);
}

#[test]
fn a_counter_excludes_the_bits_it_stands_for() {
    insta::assert_snapshot!(told_of("+0 > SE5 0:0(0)"), @r#"
    script.pkt:2:6: expected either a digit or some of E, W and A, for the digit stands for these three, found "SE5"
       |
     2 | +0 > SE5 0:0(0)
       |      ^^^
    "#);
}

#[test]
fn a_segment_ends_where_its_text_does() {
    insta::assert_snapshot!(told_of("+0 > . 1:1000(1000) ack 1"), @r#"
    script.pkt:2:8: expected 1:1001(1000), for the end is the start plus the length, found "1:1000(1000)"
       |
     2 | +0 > . 1:1000(1000) ack 1
       |        ^^^^^^^^^^^^
    "#);
}

#[test]
fn text_is_at_most_65535_octets() {
    insta::assert_snapshot!(told_of("+0 > . 1:70001(70000)"), @r#"
    script.pkt:2:16: expected the length of the text, from 0 to 65535, found "70000"
       |
     2 | +0 > . 1:70001(70000)
       |                ^^^^^
    "#);
    insta::assert_snapshot!(told_of("+0 > udp (70000)"), @r#"
    script.pkt:2:11: expected the length of the text, from 0 to 65535, found "70000"
       |
     2 | +0 > udp (70000)
       |           ^^^^^
    "#);
}

#[test]
fn sequence_numbers_have_32_bits() {
    insta::assert_snapshot!(told_of("+0 > . 4294967296:1(0)"), @r#"
    script.pkt:2:8: expected the sequence number, from 0 to 4294967295, found "4294967296"
       |
     2 | +0 > . 4294967296:1(0)
       |        ^^^^^^^^^^
    "#);
    insta::assert_snapshot!(told_of("+0 > . -1:1(2)"), @r#"
    script.pkt:2:8: expected the sequence number, from 0 to 4294967295, found "-1"
       |
     2 | +0 > . -1:1(2)
       |        ^^
    "#);
    insta::assert_snapshot!(told_of("+0 > . 1:1(0) ack 99999999999"), @r#"
    script.pkt:2:19: expected the number behind ack, from 0 to 4294967295, found "99999999999"
       |
     2 | +0 > . 1:1(0) ack 99999999999
       |                   ^^^^^^^^^^^
    "#);
}

#[test]
fn ports_windows_and_pointers_have_16_bits() {
    insta::assert_snapshot!(told_of("+0 > 70000 > 80 . 1:1(0)"), @r#"
    script.pkt:2:6: expected the source port, from 0 to 65535, found "70000"
       |
     2 | +0 > 70000 > 80 . 1:1(0)
       |      ^^^^^
    "#);
    insta::assert_snapshot!(told_of("+0 > . 1:1(0) win 65536"), @r#"
    script.pkt:2:19: expected the window, from 0 to 65535, found "65536"
       |
     2 | +0 > . 1:1(0) win 65536
       |                   ^^^^^
    "#);
    insta::assert_snapshot!(told_of("+0 > . 1:1(0) urg 65536"), @r#"
    script.pkt:2:19: expected the urgent pointer, from 0 to 65535, found "65536"
       |
     2 | +0 > . 1:1(0) urg 65536
       |                   ^^^^^
    "#);
}

#[test]
fn an_inbound_segment_has_a_window() {
    insta::assert_snapshot!(told_of("+0 < S 0:0(0)"), @"
    script.pkt:2:14: expected win N, which a packet to the stack under test needs, found the end of the script
       |
     2 | +0 < S 0:0(0)
       |              ^
    ");
    insta::assert_snapshot!(told_of("+0 < S 0:0(0) windw 5"), @r#"
    script.pkt:2:15: expected win N, which a packet to the stack under test needs, found "windw"; did you mean win?
       |
     2 | +0 < S 0:0(0) windw 5
       |               ^^^^^
    "#);
    insta::assert_snapshot!(told_of("+0 < S 0:0(0) <nop,nop,nop,nop>"), @r#"
    script.pkt:2:15: expected win N, which a packet to the stack under test needs, found "<"
       |
     2 | +0 < S 0:0(0) <nop,nop,nop,nop>
       |               ^
    "#);
}

#[test]
fn the_parts_of_a_segment_stand_in_their_order() {
    insta::assert_snapshot!(told_of("+0 > . 1:1(0) win 5 ack 1"), @r#"
    script.pkt:2:21: expected the end of the packet, for ack, win, urg and <options> stand in this order, each once, found "ack"
       |
     2 | +0 > . 1:1(0) win 5 ack 1
       |                     ^^^
    "#);
    insta::assert_snapshot!(told_of("+0 > . 1:1(0) ack 1 ack 1"), @r#"
    script.pkt:2:21: expected the end of the packet, for ack, win, urg and <options> stand in this order, each once, found "ack"
       |
     2 | +0 > . 1:1(0) ack 1 ack 1
       |                     ^^^
    "#);
    insta::assert_snapshot!(told_of("+0 > . 1:1(0) wim 5"), @r#"
    script.pkt:2:15: expected the end of the packet, or the time of what comes next, found "wim"; did you mean win?
       |
     2 | +0 > . 1:1(0) wim 5
       |               ^^^
    "#);
    insta::assert_snapshot!(told_of("+0 > . 1:1(0) <...> win 5"), @r#"
    script.pkt:2:21: expected the end of the packet, for ack, win, urg and <options> stand in this order, each once, found "win"
       |
     2 | +0 > . 1:1(0) <...> win 5
       |                     ^^^
    "#);
}

#[test]
fn only_an_expected_segment_leaves_things_open() {
    insta::assert_snapshot!(told_of("+0 < . ...(10) win 1"), @r#"
    script.pkt:2:8: expected start:end(len), for ... is only for packets that are expected (>), found "..."
       |
     2 | +0 < . ...(10) win 1
       |        ^^^
    "#);
    insta::assert_snapshot!(told_of("+0 < . 1:1(0) win 1 <...>"), @r#"
    script.pkt:2:22: expected options, for <...> is only for packets that are expected (>), found "..."
       |
     2 | +0 < . 1:1(0) win 1 <...>
       |                      ^^^
    "#);
    insta::assert_snapshot!(told_of("+0 < . 1:1(0) win 1 <TS val ... ecr 0,nop,nop>"), @r#"
    script.pkt:2:29: expected a time stamp, for ... is only for packets that are expected (>), found "..."
       |
     2 | +0 < . 1:1(0) win 1 <TS val ... ecr 0,nop,nop>
       |                             ^^^
    "#);
    insta::assert_snapshot!(told_of("+0 < [ect01] . 1:1(0) win 1"), @r#"
    script.pkt:2:7: expected ect0 or ect1, for ect01 (either) is only for packets that are expected (>), found "ect01"
       |
     2 | +0 < [ect01] . 1:1(0) win 1
       |       ^^^^^
    "#);
    insta::assert_snapshot!(told_of("+0 < ipv4 (ecn ect01) 1.2.3.4 > 1.2.3.5: . 1:1(0) win 1"), @r#"
    script.pkt:2:16: expected ect0 or ect1, for ect01 (either) is only for packets that are expected (>), found "ect01"
       |
     2 | +0 < ipv4 (ecn ect01) 1.2.3.4 > 1.2.3.5: . 1:1(0) win 1
       |                ^^^^^
    "#);
}

#[test]
fn the_option_area_is_a_multiple_of_4_octets() {
    insta::assert_snapshot!(told_of("+0 > . 1:1(0) <mss 1460,sackOK>"), @"
    script.pkt:2:15: expected options of a multiple of 4 octets (2 nop or eol more), found 6 octets
       |
     2 | +0 > . 1:1(0) <mss 1460,sackOK>
       |               ^^^^^^^^^^^^^^^^^
    ");
    insta::assert_snapshot!(told_of("+0 > . 1:1(0) <wscale 7>"), @"
    script.pkt:2:15: expected options of a multiple of 4 octets (one nop or eol more), found 3 octets
       |
     2 | +0 > . 1:1(0) <wscale 7>
       |               ^^^^^^^^^^
    ");
}

#[test]
fn the_option_area_has_40_octets() {
    insta::assert_snapshot!(told_of("+0 > . 1:1(0) <mss 1460,TS val 1 ecr 0,sack 1:2 3:4 5:6,nop>"), @"
    script.pkt:2:57: expected options of at most 40 octets, found 41 with this one
       |
     2 | +0 > . 1:1(0) <mss 1460,TS val 1 ecr 0,sack 1:2 3:4 5:6,nop>
       |                                                         ^^^
    ");
}

#[test]
fn tcp_options_have_names() {
    insta::assert_snapshot!(told_of("+0 > . 1:1(0) <sackok>"), @r#"
    script.pkt:2:16: expected a TCP option such as mss 1460, nop or sackOK, gen-KIND and octets in hex, or ... alone, found "sackok"; did you mean sackOK?
       |
     2 | +0 > . 1:1(0) <sackok>
       |                ^^^^^^
    "#);
    insta::assert_snapshot!(told_of("+0 > . 1:1(0) <mss 1460,>"), @r#"
    script.pkt:2:25: expected a TCP option such as mss 1460, nop or sackOK, gen-KIND and octets in hex, or ... alone, found ">"
       |
     2 | +0 > . 1:1(0) <mss 1460,>
       |                         ^
    "#);
    insta::assert_snapshot!(told_of("+0 > . 1:1(0) <>"), @r#"
    script.pkt:2:16: expected a TCP option such as mss 1460, nop or sackOK, gen-KIND and octets in hex, or ... alone, found ">"
       |
     2 | +0 > . 1:1(0) <>
       |                ^
    "#);
    insta::assert_snapshot!(told_of("+0 > . 1:1(0) <gen-300 00>"), @r#"
    script.pkt:2:16: expected a TCP option such as mss 1460, nop or sackOK, gen-KIND and octets in hex, or ... alone, found "gen-300"
       |
     2 | +0 > . 1:1(0) <gen-300 00>
       |                ^^^^^^^
    "#);
    insta::assert_snapshot!(told_of("+0 > . 1:1(0) <020405b>"), @r#"
    script.pkt:2:16: expected a TCP option such as mss 1460, nop or sackOK, gen-KIND and octets in hex, or ... alone, found "020405b"
       |
     2 | +0 > . 1:1(0) <020405b>
       |                ^^^^^^^
    "#);
    insta::assert_snapshot!(told_of("+0 > . 1:1(0) <mss 1460 nop>"), @r#"
    script.pkt:2:25: expected , or > behind an option, found "nop"
       |
     2 | +0 > . 1:1(0) <mss 1460 nop>
       |                         ^^^
    "#);
}

#[test]
fn tcp_options_have_their_ranges() {
    insta::assert_snapshot!(told_of("+0 > . 1:1(0) <mss 65536>"), @r#"
    script.pkt:2:20: expected the maximum segment size, from 0 to 65535, found "65536"
       |
     2 | +0 > . 1:1(0) <mss 65536>
       |                    ^^^^^
    "#);
    insta::assert_snapshot!(told_of("+0 > . 1:1(0) <wscale 256,nop>"), @r#"
    script.pkt:2:23: expected the shift of the window, from 0 to 255, found "256"
       |
     2 | +0 > . 1:1(0) <wscale 256,nop>
       |                       ^^^
    "#);
    insta::assert_snapshot!(told_of("+0 > . 1:1(0) <ECN e0b 16777216,nop,nop,nop>"), @r#"
    script.pkt:2:24: expected a counter of 24 bits, from 0 to 16777215, found "16777216"
       |
     2 | +0 > . 1:1(0) <ECN e0b 16777216,nop,nop,nop>
       |                        ^^^^^^^^
    "#);
    insta::assert_snapshot!(told_of("+0 > . 1:1(0) <TS val 4294967296 ecr 0,nop,nop>"), @r#"
    script.pkt:2:23: expected the time stamp, from 0 to 4294967295, found "4294967296"
       |
     2 | +0 > . 1:1(0) <TS val 4294967296 ecr 0,nop,nop>
       |                       ^^^^^^^^^^
    "#);
    insta::assert_snapshot!(told_of("+0 > . 1:1(0) <md5 0000000000000000000000000000000000>"), @"
    script.pkt:2:20: expected a digest of at most 16 octets, found 17
       |
     2 | +0 > . 1:1(0) <md5 0000000000000000000000000000000000>
       |                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    ");
    insta::assert_snapshot!(told_of("+0 > . 1:1(0) <FO abc>"), @r#"
    script.pkt:2:19: expected octets in hexadecimal, two digits each, found "abc"
       |
     2 | +0 > . 1:1(0) <FO abc>
       |                   ^^^
    "#);
    insta::assert_snapshot!(told_of("+0 > . 1:1(0) <FO xy>"), @r#"
    script.pkt:2:19: expected octets in hexadecimal, two digits each, found "xy"
       |
     2 | +0 > . 1:1(0) <FO xy>
       |                   ^^
    "#);
    insta::assert_snapshot!(told_of("+0 > . 1:1(0) <TS 5>"), @r#"
    script.pkt:2:19: expected val, as in TS val 100 ecr 0, found "5"
       |
     2 | +0 > . 1:1(0) <TS 5>
       |                   ^
    "#);
    insta::assert_snapshot!(told_of("+0 > . 1:1(0) <TS val 5, ecr 7>"), @r#"
    script.pkt:2:24: expected ecr, as in TS val 100 ecr 0, found ","
       |
     2 | +0 > . 1:1(0) <TS val 5, ecr 7>
       |                        ^
    "#);
    insta::assert_snapshot!(told_of("+0 > . 1:1(0) <sack>"), @r#"
    script.pkt:2:20: expected a block, start:end, from 0 to 4294967295, found ">"
       |
     2 | +0 > . 1:1(0) <sack>
       |                    ^
    "#);
    insta::assert_snapshot!(told_of("+0 > . 1:1(0) <sack 1:2 3:4 5:6 7:8 9:10>"), @r#"
    script.pkt:2:37: expected at most 4 blocks, for more have no room, found "9"
       |
     2 | +0 > . 1:1(0) <sack 1:2 3:4 5:6 7:8 9:10>
       |                                     ^
    "#);
    insta::assert_snapshot!(told_of("+0 > . 1:1(0) <ECN ceb 5>"), @r#"
    script.pkt:2:20: expected e0b or e1b and its counter, found "ceb"
       |
     2 | +0 > . 1:1(0) <ECN ceb 5>
       |                    ^^^
    "#);
}

#[test]
fn what_is_said_of_an_ip_header_is_known_and_said_once() {
    insta::assert_snapshot!(told_of("+0 > [ect2] . 1:1(0)"), @r#"
    script.pkt:2:7: expected noecn, ect0, ect1, ect01, ce, tos, dscp, ecn, ttl, hlim, class or flowlabel, found "ect2"; did you mean ect0?
       |
     2 | +0 > [ect2] . 1:1(0)
       |       ^^^^
    "#);
    insta::assert_snapshot!(told_of("+0 > [ect0,ce] . 1:1(0)"), @r#"
    script.pkt:2:12: expected each field of the IP header once, found "ce" again
       |
     2 | +0 > [ect0,ce] . 1:1(0)
       |            ^^
    "#);
    insta::assert_snapshot!(told_of("+0 > (ttl 256) . 1:1(0)"), @r#"
    script.pkt:2:11: expected the time to live, from 0 to 255, found "256"
       |
     2 | +0 > (ttl 256) . 1:1(0)
       |           ^^^
    "#);
    insta::assert_snapshot!(told_of("+0 > (flowlabel 0x100000) . 1:1(0)"), @r#"
    script.pkt:2:17: expected the flow label, from 0 to 1048575, found "0x100000"
       |
     2 | +0 > (flowlabel 0x100000) . 1:1(0)
       |                 ^^^^^^^^
    "#);
    insta::assert_snapshot!(told_of("+0 > (dscp af44) . 1:1(0)"), @r#"
    script.pkt:2:12: expected a code point such as cs0, af11, ef or le, found "af44"; did you mean af41?
       |
     2 | +0 > (dscp af44) . 1:1(0)
       |            ^^^^
    "#);
    insta::assert_snapshot!(told_of("+0 > (ttl 1] . 1:1(0)"), @r#"
    script.pkt:2:12: expected , or ) behind what is said of the IP header, found "]"
       |
     2 | +0 > (ttl 1] . 1:1(0)
       |            ^
    "#);
    insta::assert_snapshot!(told_of("+0 > () . 1:1(0)"), @r#"
    script.pkt:2:7: expected noecn, ect0, ect1, ect01, ce, tos, dscp, ecn, ttl, hlim, class or flowlabel, found ")"
       |
     2 | +0 > () . 1:1(0)
       |       ^
    "#);
}

#[test]
fn headers_around_a_packet_are_whole() {
    insta::assert_snapshot!(told_of("+0 > ipv4 2001:db8::1 > 1.2.3.4: . 1:1(0)"), @r#"
    script.pkt:2:11: expected an IPv4 address, found "2001:db8::1"
       |
     2 | +0 > ipv4 2001:db8::1 > 1.2.3.4: . 1:1(0)
       |           ^^^^^^^^^^^
    "#);
    insta::assert_snapshot!(told_of("+0 > ipv4 1.2.3.4 > 1.2.3.5 . 1:1(0)"), @r#"
    script.pkt:2:29: expected the : at the end of the IP header, found "."
       |
     2 | +0 > ipv4 1.2.3.4 > 1.2.3.5 . 1:1(0)
       |                             ^
    "#);
    insta::assert_snapshot!(told_of("+0 > gre . 1:1(0)\n+0 f() = 0"), @r#"
    script.pkt:2:15: expected the flags: some of S F R P U E W A, . for ACK, a digit from 0 to 7, or - for none, found "("
       |
     2 | +0 > gre . 1:1(0)
       |               ^
    "#);
    insta::assert_snapshot!(told_of("+0 > encap spi 5 . 1:1(0)"), @r#"
    script.pkt:2:12: expected psp, as in encap psp spi 1, found "spi"
       |
     2 | +0 > encap spi 5 . 1:1(0)
       |            ^^^
    "#);
}

#[test]
fn encapsulation_and_diagnosis_are_whole() {
    insta::assert_snapshot!(told_of("+0 > S/tcp(1 > 2) 0:0(0)"), @r#"
    script.pkt:2:8: expected udp, as in /udp(9899 > 9899), found "tcp"
       |
     2 | +0 > S/tcp(1 > 2) 0:0(0)
       |        ^^^
    "#);
    insta::assert_snapshot!(told_of("+0 > S 0:0(0) /udp(1, 2)"), @r#"
    script.pkt:2:21: expected > between the ports, found ","
       |
     2 | +0 > S 0:0(0) /udp(1, 2)
       |                     ^
    "#);
    insta::assert_snapshot!(told_of("+0 > R 0:0(0) [pen 5]"), @r#"
    script.pkt:2:16: expected code and the reason of the reset, as in [code 1, pen 2], found "pen"
       |
     2 | +0 > R 0:0(0) [pen 5]
       |                ^^^
    "#);
    insta::assert_snapshot!(told_of("+0 > R 0:0(0) [code 5, code 6]"), @r#"
    script.pkt:2:24: expected pen and the number of an enterprise, found "code"
       |
     2 | +0 > R 0:0(0) [code 5, code 6]
       |                        ^^^^
    "#);
}

#[test]
fn icmp_messages_have_known_types_and_codes() {
    insta::assert_snapshot!(told_of("+0 < icmp unreachible"), @r#"
    script.pkt:2:11: expected the type of the ICMP message, such as unreachable, or type_N, found "unreachible"; did you mean unreachable?
       |
     2 | +0 < icmp unreachible
       |           ^^^^^^^^^^^
    "#);
    insta::assert_snapshot!(told_of("+0 < icmp unreachable frag_neded"), @r#"
    script.pkt:2:23: expected the code of the ICMP message, such as frag_needed, or code_N, found "frag_neded"; did you mean frag_needed?
       |
     2 | +0 < icmp unreachable frag_neded
       |                       ^^^^^^^^^^
    "#);
    insta::assert_snapshot!(told_of("+0 < icmp type_256"), @r#"
    script.pkt:2:11: expected the type of the ICMP message, such as unreachable, or type_N, found "type_256"
       |
     2 | +0 < icmp type_256
       |           ^^^^^^^^
    "#);
    insta::assert_snapshot!(told_of("+0 < icmp unreachable [1:5(3)]"), @r#"
    script.pkt:2:24: expected 1:4(3), for the end is the start plus the length, found "1:5(3)"
       |
     2 | +0 < icmp unreachable [1:5(3)]
       |                        ^^^^^^
    "#);
    insta::assert_snapshot!(told_of("+0 < icmp unreachable [foo]"), @r#"
    script.pkt:2:24: expected what the message quotes: start:end(len), udp (len) or raw (len), found "foo"
       |
     2 | +0 < icmp unreachable [foo]
       |                        ^^^
    "#);
    insta::assert_snapshot!(told_of("+0 < icmp unreachable id 65536"), @r#"
    script.pkt:2:26: expected the identifier, from 0 to 65535, found "65536"
       |
     2 | +0 < icmp unreachable id 65536
       |                          ^^^^^
    "#);
}

#[test]
fn a_call_has_arguments_and_a_result() {
    insta::assert_snapshot!(told_of("+0 f = 0"), @r#"
    script.pkt:2:6: expected ( and the arguments of the call, found "="
       |
     2 | +0 f = 0
       |      ^
    "#);
    insta::assert_snapshot!(told_of("+0 f()"), @"
    script.pkt:2:7: expected = and what the call returns, found the end of the script
       |
     2 | +0 f()
       |       ^
    ");
    insta::assert_snapshot!(told_of("+0 f() = 0 )"), @r#"
    script.pkt:2:12: expected the end of the call, or the time of what comes next, found ")"
       |
     2 | +0 f() = 0 )
       |            ^
    "#);
    insta::assert_snapshot!(told_of("+0 f(1 2) = 0"), @r#"
    script.pkt:2:8: expected , or ) behind an argument, found "2"
       |
     2 | +0 f(1 2) = 0
       |        ^
    "#);
    insta::assert_snapshot!(told_of("+0 f([1, 2) = 0"), @r#"
    script.pkt:2:11: expected , or ] behind a value, found ")"
       |
     2 | +0 f([1, 2) = 0
       |           ^
    "#);
    insta::assert_snapshot!(told_of("+0 f({a=1; b=2}) = 0"), @r#"
    script.pkt:2:10: expected , or } behind a field, found ";"
       |
     2 | +0 f({a=1; b=2}) = 0
       |          ^
    "#);
    insta::assert_snapshot!(told_of("+0 f({5=1}) = 0"), @"
    script.pkt:2:7: expected the name of a field before its =, found a value
       |
     2 | +0 f({5=1}) = 0
       |       ^
    ");
    insta::assert_snapshot!(told_of("+0 f(<) = 0"), @r#"
    script.pkt:2:6: expected a value: a number, a constant, "text", ..., [list] or {structure}, found "<"
       |
     2 | +0 f(<) = 0
       |      ^
    "#);
    insta::assert_snapshot!(told_of("+0 f() = -1 EAGAIN (Resource\n+0 f() = 0 (fine)"), @"
    script.pkt:2:20: expected the ) at the end of the note, found none
       |
     2 | +0 f() = -1 EAGAIN (Resource
       |                    ^
    ");
}

#[test]
fn numbers_have_64_bits() {
    insta::assert_snapshot!(told_of("+0 f(9223372036854775808) = 0"), @r#"
    script.pkt:2:6: expected a number of 64 bits, found "9223372036854775808"
       |
     2 | +0 f(9223372036854775808) = 0
       |      ^^^^^^^^^^^^^^^^^^^
    "#);
    insta::assert_snapshot!(told_of("+0 f(0x10000000000000000) = 0"), @r#"
    script.pkt:2:6: expected a number of 64 bits, found "0x10000000000000000"
       |
     2 | +0 f(0x10000000000000000) = 0
       |      ^^^^^^^^^^^^^^^^^^^
    "#);
}

#[test]
fn ifdef_and_endif_go_together() {
    insta::assert_snapshot!(told("#ifdef Linux\n0 f() = 0\n"), @"
    script.pkt:1:1: expected an #endif behind this #ifdef, found none
       |
     1 | #ifdef Linux
       | ^^^^^^
    ");
    insta::assert_snapshot!(told("#endif\n"), @r##"
    script.pkt:1:1: expected an #ifdef before its #endif, found "#endif"
       |
     1 | #endif
       | ^^^^^^
    "##);
    insta::assert_snapshot!(told("#ifdef A\n#ifdef B\n"), @r##"
    script.pkt:2:1: expected #endif before the next #ifdef, for they do not nest, found "#ifdef"
       |
     2 | #ifdef B
       | ^^^^^^
    "##);
    insta::assert_snapshot!(told("--define=A\n#ifdef A\n#ifdef B\n#endif\n#endif"), @r##"
    script.pkt:3:1: expected #endif before the next #ifdef, for they do not nest, found "#ifdef"
       |
     3 | #ifdef B
       | ^^^^^^
    "##);
    insta::assert_snapshot!(told("--define=A\n#ifdef A\n0 f() = 0\n"), @"
    script.pkt:2:1: expected an #endif behind this #ifdef, found none
       |
     2 | #ifdef A
       | ^^^^^^
    ");
    insta::assert_snapshot!(told("#ifdef A\n#else\n#endif"), @r##"
    script.pkt:2:1: expected #endif and the #ifdef of another name, for there is no #else, found "#else"
       |
     2 | #else
       | ^^^^^
    "##);
    insta::assert_snapshot!(told("#ifdef\n0 f() = 0"), @r##"
    script.pkt:1:1: expected #ifdef and a name, found "#ifdef"
       |
     1 | #ifdef
       | ^^^^^^
    "##);
    insta::assert_snapshot!(told("# a comment"), @r##"
    script.pkt:1:1: expected #ifdef NAME or #endif; a comment begins with //, found "#"
       |
     1 | # a comment
       | ^
    "##);
}

#[test]
fn a_stray_character_is_shown() {
    insta::assert_snapshot!(told_of("+0 > . 1:1(0) é"), @r#"
    script.pkt:2:15: expected the end of the packet, or the time of what comes next, found "é"
       |
     2 | +0 > . 1:1(0) é
       |               ^
    "#);
    insta::assert_snapshot!(told_of("é f() = 0"), @r#"
    script.pkt:2:1: expected a time such as 0.1, +.1, 0.1~0.2, +.1~+.2 or *, found "é"
       |
     2 | é f() = 0
       | ^
    "#);
}

#[test]
fn structures_stand_in_each_other_only_so_deep() {
    let nested = |depth: usize| format!("+0 f({}1{}) = 0", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(call(&nested(MAX_DEPTH - 1)[3..]).arguments.len(), 1);
    insta::assert_snapshot!(told_of(&nested(MAX_DEPTH)), @r#"
    script.pkt:2:38: expected at most 32 structures and lists in each other, found "1"
       |
     2 | +0 f([[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]) = 0
       |                                      ^
    "#);
    insta::assert_snapshot!(told_of(&format!("+0 f({}", "~".repeat(100_000))), @r#"
    script.pkt:2:38: expected at most 32 structures and lists in each other, found "~"
       |
     2 | +0 f(~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~…
       |                                      ^
    "#);
    insta::assert_snapshot!(told_of(&format!("+0 f({}", "f(".repeat(100_000))), @r#"
    script.pkt:2:70: expected at most 32 structures and lists in each other, found "f"
       |
     2 | …f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(…
       |                                                              ^
    "#);
}

#[test]
fn a_script_has_its_limits() {
    insta::assert_snapshot!(told(&" ".repeat(MAX_OCTETS + 1)), @"
    script.pkt:1:16777217: expected a script of at most 16777216 octets, found 16777217 octets
       |
     1 | …                                                             
       |                                                              ^
    ");
    insta::assert_snapshot!(told(&"0 f()=0\n".repeat(MAX_EVENTS + 1)), @r#"
    script.pkt:100001:1: expected at most 100000 events, found "0"
            |
     100001 | 0 f()=0
            | ^
    "#);
    insta::assert_snapshot!(told(&"--a ".repeat(MAX_OPTIONS + 1)), @r#"
    script.pkt:1:4001: expected at most 1000 options, found "-"
       |
     1 | …--a --a --a --a --a --a --a --a --a --a --a --a --a --a --a --a 
       |                                                              ^
    "#);
    insta::assert_snapshot!(told(&format!("0 f({}", "1,".repeat(MAX_VALUES + 1))), @r#"
    script.pkt:1:1000005: expected at most 500000 values in the calls of a script, found "1"
       |
     1 | …1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,
       |                                                              ^
    "#);
    insta::assert_snapshot!(told(&format!("0 > {}", "gre:".repeat(100))), @r#"
    script.pkt:1:73: expected at most 16 headers around a packet, found "gre"
       |
     1 | …gre:gre:gre:gre:gre:gre:gre:gre:gre:gre:gre:gre:gre:gre:gre:gre:gre:gre:gre:gre:gre:gre:gre:gre:gre:gre:gre:gre:gre:gre:…
       |                                                              ^^^
    "#);
}

#[test]
fn a_long_line_is_not_repeated_whole() {
    let text = told(&format!("0 > . 1:1(0) {}", "x".repeat(1_000_000)));
    assert!(text.len() < 1000, "{}", text.len());
}
