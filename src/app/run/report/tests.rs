use std::time::Duration;

use super::*;
use crate::app::run::outcome::{Ran, Totals, Verdict};

fn four() -> [Ran; 4] {
    let ran = |name: &str, verdict, millis| Ran { name: name.to_owned(), verdict, time: Duration::from_millis(millis), events: 7 };
    [
        ran("close/fin.pkt", Verdict::Passed, 1500),
        ran("close/rst.pkt", Verdict::Failed("close/rst.pkt:9: error handling packet\nexpected: <R> & ack 1".to_owned()), 20),
        ran("psp.pkt", Verdict::Unsupported("PSP".to_owned()), 0),
        ran("typo.pkt", Verdict::Broken("typo.pkt:1:3: expected a system call".to_owned()), 0),
    ]
}

#[test]
fn a_person_reads_a_line_per_script_and_the_counts() {
    let all = four();
    let text: String = all.iter().map(line).collect::<String>() + &summary(&Totals::of(&all));
    insta::assert_snapshot!(text, @"
    pass  close/fin.pkt  1.500 s
    fail  close/rst.pkt  0.020 s
          close/rst.pkt:9: error handling packet
          expected: <R> & ack 1
    skip  psp.pkt  unsupported: PSP
    error typo.pkt
          typo.pkt:1:3: expected a system call
    1 passed, 1 failed, 1 unsupported, 1 unreadable of 4 scripts, 1.5 s by their own clocks
    ");
}

#[test]
fn tap_has_a_plan_and_a_line_per_script() {
    insta::assert_snapshot!(tap(Tap::Tap, &four()), @"
    TAP version 13
    1..4
    ok 1 - close/fin.pkt
    not ok 2 - close/rst.pkt
    # close/rst.pkt:9: error handling packet
    # expected: <R> & ack 1
    ok 3 - psp.pkt # SKIP unsupported: PSP
    not ok 4 - typo.pkt
    # typo.pkt:1:3: expected a system call
    ");
}

#[test]
fn a_name_never_breaks_the_line_of_its_test() {
    let ran = Ran { name: "a\nok 2 - b\r.pkt # TODO".to_owned(), verdict: Verdict::Passed, time: Duration::ZERO, events: 1 };
    for dialect in [Tap::Tap, Tap::Ktap] {
        let text = tap(dialect, std::slice::from_ref(&ran));
        assert!(text.lines().nth(2).is_some_and(|line| line.ends_with("a\\nok 2 - b\\r.pkt \\# TODO")), "{text}");
    }
}

#[test]
fn ktap_ends_with_the_totals() {
    insta::assert_snapshot!(tap(Tap::Ktap, &four()), @"
    KTAP version 1
    1..4
    ok 1 close/fin.pkt
    not ok 2 close/rst.pkt
    # close/rst.pkt:9: error handling packet
    # expected: <R> & ack 1
    ok 3 psp.pkt # SKIP unsupported: PSP
    not ok 4 typo.pkt
    # typo.pkt:1:3: expected a system call
    # Totals: pass:1 fail:1 xfail:0 xpass:0 skip:1 error:1
    ");
}

#[test]
fn junit_has_a_suite_per_folder() {
    insta::assert_snapshot!(junit(&four()).expect("text"), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="synfin run" tests="4" skipped="1" failures="1" errors="1">
        <testsuite name="close" tests="2" skipped="0" errors="0" failures="1">
            <testcase name="fin.pkt" classname="close" time="1.500"/>
            <testcase name="rst.pkt" classname="close" time="0.020">
                <failure message="close/rst.pkt:9: error handling packet">close/rst.pkt:9: error handling packet
    expected: &lt;R&gt; &amp; ack 1</failure>
            </testcase>
        </testsuite>
        <testsuite name="." tests="2" skipped="1" errors="1" failures="0">
            <testcase name="psp.pkt" classname="." time="0.000">
                <skipped message="unsupported: PSP"/>
            </testcase>
            <testcase name="typo.pkt" classname="." time="0.000">
                <error message="typo.pkt:1:3: expected a system call">typo.pkt:1:3: expected a system call</error>
            </testcase>
        </testsuite>
    </testsuites>
    "#);
}

#[test]
fn json_is_one_document() {
    insta::assert_snapshot!(json("sim", &four()).expect("text"), @r#"
    {
      "schema_version": 1,
      "tool": "synfin 0.1.0",
      "place": "sim",
      "scripts": [
        {
          "name": "close/fin.pkt",
          "verdict": "pass",
          "events": 7,
          "seconds": 1.5
        },
        {
          "name": "close/rst.pkt",
          "verdict": "fail",
          "detail": "close/rst.pkt:9: error handling packet\nexpected: <R> & ack 1",
          "events": 7,
          "seconds": 0.02
        },
        {
          "name": "psp.pkt",
          "verdict": "skip",
          "detail": "PSP",
          "events": 7,
          "seconds": 0.0
        },
        {
          "name": "typo.pkt",
          "verdict": "error",
          "detail": "typo.pkt:1:3: expected a system call",
          "events": 7,
          "seconds": 0.0
        }
      ],
      "passed": 1,
      "failed": 1,
      "unsupported": 1,
      "unreadable": 1,
      "seconds": 1.52
    }
    "#);
}
