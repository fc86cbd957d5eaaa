//! The rows of `rfc/transitions.csv`, and how each is walked.

#![allow(dead_code, reason = "each test uses what it needs")]

use std::collections::BTreeMap;
use std::time::Duration;

use synfin::engine::{Cookie, Event, Flags, IcmpError, Profile, Rule, SeqNumber, State};

use super::csv::csv;
use super::walker::{IRS, ISS, Walker, open, segment, ways};

/// One row of the table.
pub(crate) struct Row {
    /// `T001` to `T099`.
    pub(crate) id: String,
    /// `core`, or the switch it needs.
    pub(crate) switch: String,
    from: State,
    to: State,
    event: String,
    guard: String,
    sections: String,
}

/// Every row of the table.
pub(crate) fn rows() -> Vec<Row> {
    let state = |row: &BTreeMap<String, String>, column: &str| State::named(&row[column]).expect("a state");
    let rows = csv(include_str!("../rfc/transitions.csv")).into_iter();
    rows.map(|row| Row {
        id: row["id"].clone(),
        switch: row["profile"].clone(),
        from: state(&row, "from_state"),
        to: state(&row, "to_state"),
        event: row["event"].clone(),
        guard: row["guard"].clone(),
        sections: row["rfc_section"].clone(),
    })
    .collect()
}

impl Row {
    /// The profile in which the row applies: the knob of its switch is moved, and nothing else.
    fn profile(&self, base: &Profile) -> Profile {
        let mut profile = base.clone();
        match (self.switch.as_str(), self.event.as_str()) {
            ("rfc5961-off", _) => profile.rfc5961 = false,
            ("advisory", _) => profile.reset_keeps_state = true,
            ("optional", "seg-security-mismatch") => profile.security = true,
            ("optional", "call-CLOSE" | "seg-ACK") => profile.half_duplex_close = true,
            ("practice", "timeout-finwait2") => profile.fin_wait_2_timeout = Duration::from_mins(1),
            // On by default, off by default, or asked for by a call.
            ("core" | "optional" | "practice" | "rfc1337-off", _) => {}
            (switch, event) => panic!("{}: no knob for {switch} {event}", self.id),
        }
        profile
    }

    /// The state the row begins in, with what it needs at hand.
    fn begin(&self, profile: &Profile) -> Result<Walker, String> {
        let passive = self.guard.contains("passive origin") || (!self.guard.contains("active origin") && self.from == State::SynReceived);
        let unread = self.guard.contains("unread");
        let text =
            matches!(self.event.as_str(), "timeout-rexmt" | "icmp-hard") && matches!(self.from, State::Established | State::CloseWait);
        // The application gives up reading, too, where that makes the difference.
        let gives_up = profile.half_duplex_close || self.event == "timeout-finwait2";
        let begun_by = |way: &&Vec<&'static Rule>| way.first().is_none_or(|first| (first.on == Event::OpenPassive) == passive);
        let all = ways(self.from);
        let way = all.iter().find(begun_by).or(all.first()).ok_or(format!("no way leads to {}", self.from))?;
        if unread {
            return Walker::unread(profile, self.from);
        }
        if self.id == "T032" {
            // The connection replaced one in TIME-WAIT.
            let way = ways(State::TimeWait).swap_remove(0);
            let mut walker = Walker::led_so(profile, &way, text, gives_up)?;
            let expected = walker.variables().rcv_nxt.map_or(IRS, SeqNumber::get);
            walker.hear_before_listener(segment(Flags::SYN, expected, 0, 0));
            walker.segments();
            return Ok(walker);
        }
        Walker::led_so(profile, way, text, gives_up)
    }

    /// Walks the row.
    ///
    /// # Errors
    /// Where it led instead.
    pub(crate) fn check(&self, base: &Profile) -> Result<Vec<&'static str>, String> {
        let profile = self.profile(base);
        let context = |error: String| format!("{} {} in {}: {error}", self.id, self.event, self.from);
        let mut walker = self.begin(&profile).map_err(context)?;
        let from = walker.walked.len();
        self.happen(&mut walker).map_err(context)?;
        if walker.state() != self.to {
            return Err(context(format!("{} instead of {}", walker.state(), self.to)));
        }
        // The walk over rows leads from one state to the other without a gap, and one of its steps has
        // a section the table names too.
        let fired: Vec<_> = walker.walked[from..].iter().filter_map(|name| Rule::named(name)).collect();
        let changes: Vec<_> = fired.iter().filter(|rule| rule.changes_state()).collect();
        let gapless = changes.windows(2).all(|pair| pair[0].to == pair[1].from);
        if changes.first().is_none_or(|first| first.from != self.from) || !gapless {
            return Err(context(format!("walked {:?}", &walker.walked[from..])));
        }
        let section = |text: &str| text.trim_start_matches("RFC ").split([' ', ',']).next().unwrap_or_default().to_owned();
        let named: Vec<_> = changes.iter().flat_map(|rule| rule.rfc.split(", ")).map(section).collect();
        if named.iter().any(|named| self.sections.contains(named.as_str())) {
            Ok(walker.walked)
        } else {
            Err(context(format!("{named:?} is not of {}", self.sections)))
        }
    }

    fn happen(&self, walker: &mut Walker) -> Result<(), String> {
        let (syn, ack, fin, rst) = (Flags::SYN, Flags::ACK, Flags::FIN, Flags::RST);
        let variables = walker.variables();
        let expected = variables.rcv_nxt.map_or(IRS, SeqNumber::get);
        let una = variables.snd_una.map_or(ISS, SeqNumber::get);
        let to_send = variables.snd_nxt.map_or(ISS + 1, SeqNumber::get);
        let (now, gives_up, noted) = (walker.now, walker.gives_up, walker.walked.len());
        let connection = &mut walker.connection;
        let refused = match (self.id.as_str(), self.event.as_str()) {
            (_, "call-OPEN-passive") => connection.on_open_passive(now, open()).err(),
            (_, "call-OPEN-active") => connection.on_open_active(now, open()).err(),
            (_, "call-SEND") => connection.on_send_from_listen(now, open(), 5).err(),
            (_, "call-CLOSE") => connection.on_close(now, gives_up).err(),
            (_, "call-ABORT") => connection.on_abort(now).err(),
            (_, "delete-TCB") => {
                connection.on_evict(now);
                None
            }
            (_, "icmp-hard") => {
                connection.on_icmp(now, IcmpError::Hard, SeqNumber::new(una));
                None
            }
            ("T009", _) => {
                let cookie = Cookie { mss: 1460, ..Cookie::default() };
                connection.on_cookie(now, open(), cookie, &segment(ack, IRS + 1, ISS + 1, 0));
                None
            }
            (_, "seg-security-mismatch") => {
                connection.on_foreign_segment(now, &segment(ack, expected, una, 0));
                None
            }
            ("T022", _) => {
                // A CLOSE behind text is queued until the handshake is done.
                connection.on_send(now, 5, false).map_err(|error| error.to_string())?;
                connection.on_close(now, false).map_err(|error| error.to_string())?;
                if walker.state() != State::SynReceived {
                    return Err(format!("{} instead of SYN-RECEIVED", walker.state()));
                }
                walker.hear(segment(ack, expected, to_send, 0));
                None
            }
            ("T014", _) => {
                walker.hear(segment(syn | fin | ack, IRS, to_send, 0));
                None
            }
            ("T093", _) => {
                walker.hear_before_listener(segment(syn, expected, 0, 0));
                None
            }
            ("T047" | "T057", _) => {
                walker.hear(segment(ack, expected, una, 10));
                None
            }
            (_, "seg-SYN") if matches!(self.from, State::Listen | State::SynSent) => {
                walker.hear(segment(syn, IRS, 0, 0));
                None
            }
            (_, "seg-SYN") => {
                walker.hear(segment(syn, expected + 5, 0, 0));
                None
            }
            (_, "seg-SYN-ACK") => {
                walker.hear(segment(syn | ack, IRS, to_send, 0));
                None
            }
            (_, "seg-RST") if self.from == State::SynSent => {
                walker.hear(segment(rst | ack, 0, to_send, 0));
                None
            }
            (_, "seg-RST") => {
                walker.hear(segment(rst, expected, 0, 0));
                None
            }
            (_, "seg-ACK") => {
                walker.hear(segment(ack, expected, to_send, 0));
                None
            }
            (_, "seg-FIN") => {
                // In SYN-RECEIVED the same segment completes the handshake; elsewhere it leaves our FIN alone.
                let number = if self.from == State::SynReceived { to_send } else { una };
                walker.hear(segment(fin | ack, expected, number, 0));
                None
            }
            (_, "seg-FIN-ACK") => {
                walker.hear(segment(fin | ack, expected, to_send, 0));
                None
            }
            (_, "timeout-user") => {
                connection.set_user_timeout(Some(now + Duration::from_millis(1)));
                walker.wait();
                None
            }
            (_, "timeout-rexmt" | "timeout-2msl" | "timeout-finwait2") => {
                // Until the state changes or no timer runs.
                for _ in 0..300 {
                    if walker.state() != self.from || !walker.wait() {
                        break;
                    }
                    if walker.state() == self.from {
                        walker.segments();
                    }
                }
                None
            }
            (_, event) => return Err(format!("nothing here makes {event} happen")),
        };
        // What was heard or waited for is noted already.
        if walker.walked.len() == noted {
            walker.take_note();
        }
        if self.event.starts_with("call-") {
            walker.segments();
        }
        refused.map_or(Ok(()), |error| Err(error.to_string()))
    }
}
