//! The examples run, and say what their readers are told.

use std::path::Path;

use synfin::sources::packetdrill::play::Verdict;

#[expect(dead_code, reason = "an example's main is not called here")]
#[path = "../examples/bare_engine.rs"]
mod bare_engine;

#[expect(dead_code, reason = "an example's main is not called here")]
#[path = "../examples/smoltcp.rs"]
mod smoltcp_under_test;

#[test]
fn a_script_passes_on_a_stack_in_user_space() {
    let verdict = smoltcp_under_test::run(Path::new("examples/smoltcp.pkt")).expect("it can be read");
    assert_eq!(verdict, Verdict::Passed);
}

#[test]
fn what_that_stack_does_otherwise_is_a_mismatch() {
    let text = std::fs::read_to_string("examples/smoltcp.pkt").expect("it can be read");
    let script = tempfile::NamedTempFile::new().expect("room");
    std::fs::write(&script, text.replace("> S. 0:0(0) ack 1", "> S. 0:0(0) ack 2")).expect("room");
    let verdict = smoltcp_under_test::run(script.path()).expect("it can be read");
    let Verdict::Failed(mismatch) = verdict else { panic!("it is not so: {verdict:?}") };
    assert_eq!(mismatch.summary, "live packet field ack: expected: 2 vs actual: 1");
}

#[test]
fn the_bare_engine_lives_from_syn_to_the_end_of_time_wait() {
    let mut told = Vec::new();
    bare_engine::live(&mut told).expect("memory takes it");
    let told = String::from_utf8(told).expect("text");
    insta::assert_snapshot!(told, @r"
    0.000 s  active  --> <SEQ=100><CTL=SYN>  SYN-SENT
    0.010 s  passive --> <SEQ=300><ACK=101><CTL=SYN,ACK>  SYN-RECEIVED
    0.020 s  active  --> <SEQ=101><ACK=301><CTL=ACK>  ESTABLISHED
    0.030 s  active  --> <SEQ=101><ACK=301><LEN=1460><CTL=ACK>  ESTABLISHED
    0.040 s  passive --> <SEQ=301><ACK=1561><CTL=ACK>  ESTABLISHED
    0.050 s  active  --> <SEQ=1561><ACK=301><LEN=540><CTL=PSH,ACK>  ESTABLISHED
    0.060 s  passive --> <SEQ=301><ACK=2101><CTL=ACK>  ESTABLISHED
    passive reads 2000 octets
    0.070 s  active  --> <SEQ=2101><ACK=301><CTL=FIN,ACK>  FIN-WAIT-1
    0.080 s  passive --> <SEQ=301><ACK=2102><CTL=ACK>  CLOSE-WAIT
    0.090 s  passive --> <SEQ=301><ACK=2102><CTL=FIN,ACK>  LAST-ACK
    0.100 s  active  --> <SEQ=2102><ACK=302><CTL=ACK>  TIME-WAIT
    240.100 s  time-wait/2msl: active is CLOSED
    ");
}
