//! Resets, ours and the peer's: RFC 9293 sections 3.5.2 and 3.10.5, RFC 5961.

use super::*;

pub(super) fn walked_to(state: State) -> Scripted {
    let mut a = Scripted::new(Profile::rfc9293());
    match state {
        State::Closed => {}
        State::Listen => a.connection.on_open_passive(a.now, a.open()).expect("CLOSED"),
        State::SynSent => {
            a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
            a.out();
        }
        State::SynReceived => {
            a = walked_to(State::Listen);
            a.answer("<SEQ=300><CTL=SYN>");
        }
        State::Established => a = Scripted::established(Profile::rfc9293()),
        State::FinWait1 => {
            a = walked_to(State::Established);
            a.close();
        }
        State::FinWait2 => {
            a = walked_to(State::FinWait1);
            a.answer("<SEQ=301><ACK=102><CTL=ACK>");
        }
        State::CloseWait => {
            a = walked_to(State::Established);
            a.answer("<SEQ=301><ACK=101><CTL=FIN,ACK>");
        }
        State::Closing => {
            a = walked_to(State::FinWait1);
            a.answer("<SEQ=301><ACK=101><CTL=FIN,ACK>");
        }
        State::LastAck => {
            a = walked_to(State::CloseWait);
            a.close();
        }
        State::TimeWait => {
            a = walked_to(State::FinWait2);
            a.answer("<SEQ=301><ACK=102><CTL=FIN,ACK>");
        }
    }
    assert_eq!(a.state(), state);
    a
}

fn next(a: &Scripted) -> u32 {
    a.connection.variables().rcv_nxt.expect("numbered").get()
}

#[test]
fn only_the_exact_number_resets() {
    // R5961-1, R5961-2, R5961-3, R5961-4.
    // RFC 5961 section 3.2, RFC 9293 3.10.7.4 second.
    for &state in State::ALL.iter().filter(|state| state.is_synchronized() || **state == State::SynReceived) {
        let a = walked_to(state);
        let nxt = next(&a);
        let sent = a.connection.variables().snd_nxt.expect("numbered");
        let challenge = [format!("<SEQ={sent}><ACK={nxt}><CTL=ACK>")];
        // The window was 65535 before the peer's FIN took one.
        for (seq, answer) in
            [(nxt - 1, &[][..]), (nxt + 1, &challenge), (nxt + 65_000, &challenge), (nxt + 65_535, &[]), (nxt + (1 << 31), &[])]
        {
            let mut a = a.clone();
            assert_eq!(a.answer(&format!("<SEQ={seq}><CTL=RST>")), answer, "SEG.SEQ={seq} in {state}");
            assert_eq!(a.state(), state);
        }
        let mut a = a.clone();
        assert_eq!(a.answer(&format!("<SEQ={nxt}><CTL=RST>")), NOTHING);
        assert_eq!(a.state(), if state == State::SynReceived { State::Listen } else { State::Closed });
    }
}

#[test]
fn a_rst_with_text_counts_by_its_first_number() {
    // SHLD-2; MUST-66: with a closed window as well.
    let mut closed = walked_to(State::Established);
    closed.hear("<SEQ=301><ACK=101><LEN=65535><CTL=ACK>");
    closed.out();
    assert_eq!(closed.connection.variables().rcv_wnd, Some(0));
    for a in [walked_to(State::Established), closed] {
        let nxt = next(&a);
        let mut old = a.clone();
        assert_eq!(old.answer(&format!("<SEQ={}><LEN=9><CTL=RST>", nxt - 5)), NOTHING, "it begins outside");
        assert_eq!(old.state(), State::Established);
        let mut a = a;
        a.hear(&format!("<SEQ={nxt}><LEN=9><CTL=RST>"));
        assert_eq!((a.state(), a.connection.poll_signal()), (State::Closed, Some(Signal::Open)));
        assert_eq!(a.connection.poll_signal(), Some(Signal::Reset));
    }
}

#[test]
fn a_syn_in_a_synchronized_state_is_challenged_wherever_it_lies() {
    // R5961-6.
    // RFC 5961 section 4.2, RFC 9293 3.10.7.4 fourth.
    for &state in State::ALL.iter().filter(|state| state.is_synchronized()) {
        let a = walked_to(state);
        let (nxt, sent) = (next(&a), a.connection.variables().snd_nxt.expect("numbered"));
        for seq in [300, nxt, nxt + 10, nxt + (1 << 31)] {
            for rest in ["><CTL=SYN>", "><ACK=101><CTL=SYN,ACK>"] {
                let mut a = a.clone();
                let answer = a.answer(&format!("<SEQ={seq}{rest}"));
                assert_eq!(answer, [format!("<SEQ={sent}><ACK={nxt}><CTL=ACK>")], "{seq}{rest} in {state}");
                assert_eq!(a.state(), state);
            }
        }
    }
}

#[test]
fn what_nobody_wants_is_reset_by_its_own_numbers() {
    // RFC 9293 3.5.2, group 1, and 3.10.7.1, 3.10.7.2.
    let mut closed = walked_to(State::Closed);
    assert_eq!(closed.answer("<SEQ=500><ACK=700><LEN=3><CTL=ACK>"), ["<SEQ=700><CTL=RST>"]);
    assert_eq!(closed.answer("<SEQ=500><CTL=SYN>"), ["<SEQ=0><ACK=501><CTL=RST,ACK>"]);
    assert_eq!(closed.answer("<SEQ=500><LEN=3><CTL=FIN>"), ["<SEQ=0><ACK=504><CTL=RST,ACK>"]);
    let mut listen = walked_to(State::Listen);
    assert_eq!(listen.answer("<SEQ=500><ACK=700><CTL=SYN,ACK>"), ["<SEQ=700><CTL=RST>"]);
    assert_eq!(listen.answer("<SEQ=500><LEN=3><CTL=FIN>"), NOTHING);
    let mut syn_sent = walked_to(State::SynSent);
    assert_eq!(syn_sent.answer("<SEQ=500><ACK=700><CTL=SYN,ACK>"), ["<SEQ=700><CTL=RST>"]);
    assert_eq!(syn_sent.answer("<SEQ=500><ACK=100><CTL=ACK>"), ["<SEQ=100><CTL=RST>"]);
    assert_eq!(syn_sent.answer("<SEQ=500><ACK=101><CTL=ACK>"), NOTHING);
    assert_eq!(syn_sent.state(), State::SynSent);
}

#[test]
fn no_rst_answers_a_rst() {
    for &state in State::ALL {
        for text in ["<SEQ=1><CTL=RST>", "<SEQ=301><ACK=7><CTL=RST,ACK>", "<SEQ=302><ACK=101><LEN=5><CTL=SYN,RST,FIN,ACK>"] {
            let answer = walked_to(state).answer(text);
            assert!(!answer.iter().any(|segment| segment.contains("RST")), "{text} in {state}: {answer:?}");
        }
    }
}

#[test]
fn in_syn_sent_only_a_rst_that_acknowledges_the_syn_counts() {
    // R5961-5.
    // RFC 9293 3.10.7.3 second.
    let mut a = walked_to(State::SynSent);
    for text in ["<SEQ=0><ACK=100><CTL=RST,ACK>", "<SEQ=0><ACK=102><CTL=RST,ACK>", "<SEQ=0><CTL=RST>"] {
        assert_eq!(a.answer(text), NOTHING);
        assert_eq!(a.state(), State::SynSent);
    }
    a.hear("<SEQ=0><ACK=101><CTL=RST,ACK>");
    assert_eq!((a.state(), a.connection.poll_signal()), (State::Closed, Some(Signal::Reset)));
}

#[test]
fn an_abort_sends_rst_where_the_peer_knows_of_us() {
    // RFC 9293 3.10.5.
    for &state in State::ALL.iter().filter(|state| **state != State::Closed) {
        let mut a = walked_to(state);
        a.connection.on_abort(a.now).expect("a connection");
        let rst = match state {
            State::SynReceived | State::Established | State::CloseWait => vec!["<SEQ=101><CTL=RST>"],
            State::FinWait1 | State::FinWait2 => vec!["<SEQ=102><CTL=RST>"],
            State::Closed | State::Listen | State::SynSent | State::Closing | State::LastAck | State::TimeWait => vec![],
        };
        assert_eq!(a.out(), rst, "{state}");
        assert_eq!((a.state(), a.connection.poll_deadline()), (State::Closed, None));
    }
}

#[test]
fn an_abort_forgets_text_that_waits() {
    let mut a = walked_to(State::Established);
    a.send(10);
    a.send(10);
    a.connection.on_abort(a.now).expect("a connection");
    assert_eq!(a.out(), ["<SEQ=111><CTL=RST>"]);
    assert_eq!(a.connection.send_buffered(), 0);
}

#[test]
fn the_user_timeout_ends_a_connection_in_any_state_without_a_rst() {
    // RFC 9293 3.10.8.
    for &state in State::ALL.iter().filter(|state| **state != State::Closed) {
        let mut a = walked_to(state);
        while a.connection.poll_signal().is_some() {}
        a.connection.set_user_timeout(Some(a.now + Duration::from_millis(5)));
        assert_eq!(a.wait(), (5, Vec::new()), "{state}");
        assert_eq!((a.state(), a.connection.poll_signal()), (State::Closed, Some(Signal::Timeout)), "{state}");
        assert_eq!(a.connection.poll_deadline(), None);
    }
}

#[test]
fn challenges_have_a_budget_and_text_sent_again_has_none() {
    // R5961-10.
    let mut a = Scripted::established(profile(&[("challenge-acks", "2"), ("challenge-interval", "5s")]));
    a.hear("<SEQ=301><ACK=101><LEN=10><CTL=ACK>");
    a.out();
    a.pass(Duration::from_mins(1));
    let challenge = ["<SEQ=101><ACK=311><CTL=ACK>"];
    for round in 0..2 {
        // A SYN and a RST use it up, whatever text they carry.
        assert_eq!(a.answer("<SEQ=320><LEN=5><CTL=SYN>"), challenge, "round {round}");
        a.pass(Duration::from_secs(2));
        assert_eq!(a.answer("<SEQ=320><LEN=5><CTL=RST>"), challenge);
        for exhausted in ["<SEQ=320><LEN=5><CTL=SYN>", "<SEQ=320><LEN=5><CTL=RST>", "<SEQ=200><ACK=101><CTL=ACK>"] {
            assert_eq!(a.answer(exhausted), NOTHING, "{exhausted}");
        }
        assert_eq!(a.answer("<SEQ=301><ACK=101><LEN=10><CTL=ACK>"), challenge, "its sender waits for this ACK");
        a.pass(Duration::from_secs(3));
    }
}

#[test]
fn the_rst_of_an_abort_acknowledges_only_where_the_knob_says_so() {
    for (knob, left) in [("off", "<SEQ=101><CTL=RST>"), ("on", "<SEQ=101><ACK=301><CTL=RST,ACK>")] {
        let mut a = Scripted::established(profile(&[("abort-acks", knob)]));
        a.connection.on_abort(a.now).expect("open");
        assert_eq!(a.out(), [left]);
    }
}

#[test]
fn an_abort_takes_back_the_ack_that_was_due() {
    let mut a = Scripted::established(Profile::rfc9293());
    a.hear("<SEQ=301><ACK=101><LEN=10><CTL=ACK>");
    a.connection.on_abort(a.now).expect("open");
    assert_eq!(a.out(), ["<SEQ=101><CTL=RST>"]);
}

#[test]
fn an_abort_takes_back_the_syn_that_was_due() {
    let mut a = Scripted::new(Profile::rfc9293());
    a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
    a.connection.on_abort(a.now).expect("open");
    assert_eq!((a.state(), a.out()), (State::Closed, vec![]));
}
