//! A new connection over one in TIME-WAIT: RFC 9293 MAY-2 and SHLD-4, RFC 6191.

use super::*;

fn stamped(val: u32) -> TcpOptions {
    TcpOptions::NONE.nop().nop().timestamps(Timestamps { val, ecr: 0 })
}

/// In TIME-WAIT with SND.NXT = 102 and RCV.NXT = 302; with timestamps TS.Recent is 1000.
fn time_wait(knobs: &[(&str, &str)], timestamps: bool) -> Scripted {
    let knobs = [&[("timestamps", "on")], knobs].concat();
    let options = if timestamps { stamped(1000) } else { TcpOptions::NONE };
    let mut a = Scripted::new(profile(&knobs)).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", options);
    a.close();
    a.hear_with("<SEQ=301><ACK=102><CTL=FIN,ACK>", options);
    a.out();
    assert_eq!(a.state(), State::TimeWait);
    a
}

/// A SYN arrives, and a listener stands behind that would begin at `iss`; what answers it.
fn reopen(a: &mut Scripted, seq: u32, iss: u32, options: TcpOptions) -> Vec<String> {
    let segment = a.read(&format!("<SEQ={seq}><CTL=SYN>"), options);
    a.connection.on_reopening(a.now, &segment, open(iss));
    a.out()
}

#[test]
fn rfc_6191_says_which_syn_is_newer() {
    // SHLD-4, R6191-1, R6191-2, R6191-3, R6191-4, R6191-5, R6191-6; the last number of the old incarnation is 301.
    for (old, new, seq, reopens) in [
        (true, Some(1001), 5, true),
        (true, Some(1000), 302, true),
        (true, Some(1000), 301, false),
        (true, Some(999), 9000, false),
        (true, None, 302, true),
        (true, None, 301, false),
        (false, Some(1), 5, true),
        (false, None, 302, true),
        (false, None, 301, false),
    ] {
        let mut a = time_wait(&[], old);
        let answer = reopen(&mut a, seq, 700, new.map_or(TcpOptions::NONE, stamped));
        let (state, expected) = if reopens {
            (State::SynReceived, format!("<SEQ=700><ACK={}><CTL=SYN,ACK>", seq + 1))
        } else {
            (State::TimeWait, "<SEQ=102><ACK=302><CTL=ACK>".to_owned())
        };
        assert_eq!((a.state(), answer), (state, vec![expected]), "{old} {new:?} {seq}");
    }
}

#[test]
fn profiles_differ_in_what_is_newer() {
    for (knob, old, new, seq, reopens) in [
        ("linux", true, Some(1000), 302, false),
        ("linux", true, Some(1000), 303, true),
        ("linux", true, Some(1001), 5, true),
        ("linux", true, Some(999), 9000, false),
        ("linux", false, Some(1), 5, false),
        ("sequence", true, Some(1001), 302, false),
        ("sequence", true, Some(1), 303, true),
        ("off", true, Some(2000), 9000, false),
    ] {
        let mut a = time_wait(&[("time-wait-reuse", knob)], old);
        reopen(&mut a, seq, 700, new.map_or(TcpOptions::NONE, stamped));
        assert_eq!(a.state() == State::SynReceived, reopens, "{knob} {old} {new:?} {seq}");
    }
}

#[test]
fn without_a_listener_no_syn_reopens() {
    let mut a = time_wait(&[], false);
    assert_eq!(a.answer("<SEQ=9000><CTL=SYN>"), ["<SEQ=102><ACK=302><CTL=ACK>"]);
    assert_eq!(a.state(), State::TimeWait);
}

#[test]
fn only_a_syn_alone_reopens() {
    for flags in ["SYN,ACK", "SYN,RST", "ACK", "RST"] {
        let a = time_wait(&[], false);
        let segment = a.read(&format!("<SEQ=9000><ACK=102><CTL={flags}>"), TcpOptions::NONE);
        assert!(!a.connection.may_reopen(&segment), "{flags}");
    }
    let a = Scripted::established(Profile::rfc9293());
    assert!(!a.connection.may_reopen(&a.read("<SEQ=9000><CTL=SYN>", TcpOptions::NONE)));
}

#[test]
fn silence_is_a_knob() {
    // R6191-6 against RFC 5961 section 4.2.
    for seq in [5, 301, 310] {
        let mut a = time_wait(&[("time-wait-syn-ack", "off"), ("time-wait-reuse", "off")], false);
        assert_eq!(reopen(&mut a, seq, 700, TcpOptions::NONE), NOTHING);
        assert_eq!(a.state(), State::TimeWait);
    }
}

#[test]
fn the_new_iss_lies_above_every_old_number() {
    // MAY-2, condition 1: SND.NXT was 102.
    for (step, chosen, iss) in [("0", 700, 700), ("0", 103, 103), ("0", 102, 103), ("0", 5, 103), ("65537", 700, 65_639)] {
        let mut a = time_wait(&[("time-wait-iss-step", step)], false);
        assert_eq!(reopen(&mut a, 400, chosen, TcpOptions::NONE), [format!("<SEQ={iss}><ACK=401><CTL=SYN,ACK>")]);
    }
}

#[test]
fn the_new_incarnation_is_passive_and_has_nothing_of_the_old() {
    let mut a = time_wait(&[], true);
    reopen(&mut a, 400, 700, TcpOptions::NONE);
    assert_eq!((a.connection.origin(), a.connection.deadline(Timer::TimeWait)), (Origin::Passive, None));
    assert_eq!(a.answer("<SEQ=401><ACK=701><LEN=5><CTL=PSH,ACK>"), ["<SEQ=701><ACK=406><CTL=ACK>"], "without timestamps");
    assert_eq!((a.state(), a.connection.receive_buffered()), (State::Established, 5));
}

#[test]
fn an_old_duplicate_syn_brings_time_wait_back() {
    // MAY-2, condition 2: the peer, asked about it, says RST.
    let mut a = time_wait(&[], true);
    reopen(&mut a, 400, 700, stamped(2000));
    a.pass(Duration::from_secs(1));
    a.hear("<SEQ=401><CTL=RST>");
    assert_eq!(a.walked(), ["syn-received/rst-restores"]);
    assert_eq!(a.out(), NOTHING);
    assert_eq!(a.state(), State::TimeWait);
    // The old numbers are in force, and 2 MSL begin anew.
    assert_eq!(a.connection.deadline(Timer::TimeWait), Some(a.now + Duration::from_mins(4)));
    a.hear_with("<SEQ=301><ACK=102><CTL=FIN,ACK>", stamped(1000));
    assert_eq!(a.out(), ["<SEQ=102><ACK=302><CTL=ACK>"]);
    // Once the peer has confirmed the new connection, the old one is forgotten.
    let mut a = time_wait(&[], true);
    reopen(&mut a, 400, 700, TcpOptions::NONE);
    a.hear("<SEQ=401><ACK=701><CTL=ACK>");
    a.hear("<SEQ=401><CTL=RST>");
    assert_eq!(a.state(), State::Closed);
}

#[test]
fn the_reset_that_brings_time_wait_back_brings_no_text() {
    // RFC 9293 section 3.5.3: a RST may explain itself by text, which is nobody's to read.
    for reset in ["<SEQ=401><CTL=RST>", "<SEQ=401><LEN=5><CTL=RST>"] {
        let mut a = time_wait(&[], true);
        reopen(&mut a, 400, 700, stamped(2000));
        assert_eq!(a.hear(reset), Arrival::default(), "{reset}");
        assert_eq!(a.state(), State::TimeWait);
    }
}

#[test]
fn a_fin_beside_the_syn_counts_only_where_such_segments_are_dropped() {
    for (knob, segment, reopens) in [
        ("on", "<SEQ=900><CTL=SYN>", true),
        ("on", "<SEQ=900><CTL=SYN,FIN>", false),
        ("off", "<SEQ=900><CTL=SYN,FIN>", true),
        ("off", "<SEQ=900><CTL=FIN>", false),
    ] {
        let a = time_wait(&[("drop-syn-fin", knob)], false);
        assert_eq!(a.connection.may_reopen(&a.read(segment, TcpOptions::NONE)), reopens, "{segment}, knob {knob}");
    }
}

#[test]
fn text_beside_the_syn_that_reopens_is_held() {
    // RFC 9293 section 3.10.7.2: it waits for ESTABLISHED, as beside any SYN.
    let mut a = time_wait(&[], false);
    let segment = a.read("<SEQ=400><LEN=9><CTL=SYN>", TcpOptions::NONE);
    let arrival = a.connection.on_reopening(a.now, &segment, open(700));
    assert_eq!(arrival, Arrival { hold: Hold { len: 9, at: 0 }, ..Arrival::default() });
    a.out();
    assert_eq!(a.hear("<SEQ=410><ACK=701><CTL=ACK>").release, 9);
}
