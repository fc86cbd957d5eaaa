//! The transition table: every change of state is one row, and each row names its RFC section.
//!
//! The graph, `explain`, packet comments and the tests read these rows; nothing restates them.
//! Rows that stay in their state are here too, so that every packet has a rule that answered it.

#![allow(clippy::enum_glob_use, reason = "rows read like a table only without prefixes")]

use super::actions::{Actions, does};
use super::state::Event::{self, *};
use super::state::Guard::{self, *};
use super::state::Refusal;
use super::state::State::{self, *};

/// One row: in state `from`, when `on` happens and `when` holds, do `does` and be in `to`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rule {
    /// A name that stays: state, slash, what happens.
    pub name: &'static str,
    /// The state before.
    pub from: State,
    /// What happens.
    pub on: Event,
    /// When the row applies.
    pub when: Guard,
    /// The state after.
    pub to: State,
    /// What is done on the way, in order.
    pub does: Actions,
    /// The sections of RFC 9293 that say so, with the step of 3.10.7 in words; or another RFC, or `none`.
    pub rfc: &'static str,
}

impl Rule {
    /// Whether the row leaves its state.
    pub fn changes_state(&self) -> bool {
        self.from != self.to
    }

    /// Whether RFC 9293 itself says so; other rows name another RFC, or `none` where it is practice alone.
    pub fn is_of_rfc9293(&self) -> bool {
        !self.rfc.starts_with("RFC") && self.rfc != "none"
    }

    /// Where it is said, in full: `RFC 9293 section 3.10.1`, `RFC 4987 section 3.6`, `practice, no RFC`.
    pub fn source(&self) -> String {
        match self.rfc {
            "none" => "practice, no RFC".to_owned(),
            rfc if self.is_of_rfc9293() => format!("RFC 9293 section {rfc}"),
            rfc => rfc.to_owned(),
        }
    }

    /// Why the row refuses a call, if it does; it says so before anything else.
    pub fn refusal(&self) -> Option<Refusal> {
        self.does.first().and_then(|action| action.refusal())
    }

    /// The row with this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        RULES.iter().find(|rule| rule.name == name)
    }
}

/// Rows, each with its actions as a list and as a function.
macro_rules! rules {
    ($(rule($name:literal, $from:ident, $on:ident, $when:ident, $to:ident, &[$($action:ident),*], $rfc:literal),)+) => {
        &[$(Rule { name: $name, from: $from, on: $on, when: $when, to: $to, does: does![$($action),*], rfc: $rfc }),+]
    };
}

/// A row of a [`Table`], by position.
pub(crate) type RuleId = u16;

/// Every row. Those of one state and event stand together; the first whose guard holds applies.
#[rustfmt::skip]
pub static RULES: &[Rule] = rules![
    //   name                                     from         on                when         to           does                                   RFC 9293
    rule("closed/open-passive",                   Closed,      OpenPassive,      Always,      Listen,      &[], "3.10.1"),
    rule("closed/open-active",                    Closed,      OpenActive,       Always,      SynSent,     &[SendSyn], "3.10.1"),
    rule("closed/open-unspecified",               Closed,      OpenUnspecified,  Always,      Closed,      &[RefuseUnspecified], "3.10.1"),
    rule("closed/send",                           Closed,      Send,             Always,      Closed,      &[RefuseMissing], "3.10.2"),
    rule("closed/receive",                        Closed,      Receive,          Always,      Closed,      &[RefuseMissing], "3.10.3"),
    rule("closed/close",                          Closed,      Close,            Always,      Closed,      &[RefuseMissing], "3.10.4"),
    rule("closed/abort",                          Closed,      Abort,            Always,      Closed,      &[RefuseMissing], "3.10.5"),
    rule("closed/status",                         Closed,      Status,           Always,      Closed,      &[RefuseMissing], "3.10.6"),
    rule("closed/segment",                        Closed,      Unacceptable,     Always,      Closed,      &[ReplyRst], "3.10.7.1"),
    rule("closed/rst",                            Closed,      RstOutside,       Always,      Closed,      &[], "3.10.7.1"),

    rule("listen/open-passive",                   Listen,      OpenPassive,      Always,      Listen,      &[RefuseExists], "3.10.1"),
    rule("listen/open-active",                    Listen,      OpenActive,       Always,      SynSent,     &[SendSyn], "3.10.1"),
    rule("listen/open-unspecified",               Listen,      OpenUnspecified,  Always,      Listen,      &[RefuseUnspecified], "3.10.1"),
    rule("listen/send",                           Listen,      Send,             PeerKnown,   SynSent,     &[SendSyn], "3.10.2"),
    rule("listen/send-unspecified",               Listen,      Send,             Always,      Listen,      &[RefuseUnspecified], "3.10.2"),
    rule("listen/receive",                        Listen,      Receive,          Always,      Listen,      &[], "3.10.3"),
    rule("listen/close",                          Listen,      Close,            Always,      Closed,      &[FailCallsClosing, DeleteTcb], "3.10.4"),
    rule("listen/abort",                          Listen,      Abort,            Always,      Closed,      &[FailCallsReset, DeleteTcb], "3.10.5"),
    rule("listen/status",                         Listen,      Status,           Always,      Listen,      &[], "3.10.6"),
    rule("listen/rst",                            Listen,      RstOutside,       Always,      Listen,      &[], "3.10.7.2 first"),
    rule("listen/syn",                            Listen,      Syn,              Always,      SynReceived, &[RecordSyn, HoldBehindSyn, SendSynAck], "3.10.7.2 third"),
    rule("listen/fast-open",                       Listen,      FastOpen,         Always,      SynReceived, &[RecordSyn, TakeText, HoldBehindSyn, SendSynAck], "RFC 7413 section 4.2.2"),
    rule("listen/syn-fin",                         Listen,      SynWithFin,       Always,      Listen,      &[], "3.10.7.2 third"),
    rule("listen/security",                       Listen,      BadSecurity,      Always,      Listen,      &[ReplyRst], "3.10.7.2 third"),
    rule("listen/no-ack",                         Listen,      NoAck,            Always,      Listen,      &[], "3.10.7.2 fourth"),
    rule("listen/syn-ack-ignored",                Listen,      SynAckUnexpected, SynAckIgnored, Listen,    &[], "none"),
    rule("listen/syn-ack",                        Listen,      SynAckUnexpected, Always,      Listen,      &[ReplyRst], "3.10.7.2 second"),
    rule("listen/ack",                            Listen,      AckFuture,        Always,      Listen,      &[ReplyRst], "3.10.7.2 second"),
    rule("listen/cookie",                         Listen,      CookieAck,        Always,      Established, &[RebuildTcb, TellOpen], "RFC 4987 section 3.6"),
    rule("listen/user-timeout",                   Listen,      UserTimeout,      Always,      Closed,      &[TellTimeout, DeleteTcb], "3.10.8"),

    rule("syn-sent/open-passive",                 SynSent,     OpenPassive,      Always,      SynSent,     &[RefuseExists], "3.10.1"),
    rule("syn-sent/open-active",                  SynSent,     OpenActive,       Always,      SynSent,     &[RefuseExists], "3.10.1"),
    rule("syn-sent/open-unspecified",             SynSent,     OpenUnspecified,  Always,      SynSent,     &[RefuseExists], "3.10.1"),
    rule("syn-sent/send-full",                    SynSent,     Send,             NoRoom,      SynSent,     &[RefuseFull], "3.10.2"),
    rule("syn-sent/send",                         SynSent,     Send,             Always,      SynSent,     &[], "3.10.2"),
    rule("syn-sent/receive",                      SynSent,     Receive,          Always,      SynSent,     &[], "3.10.3"),
    rule("syn-sent/close",                        SynSent,     Close,            Always,      Closed,      &[FailCallsClosing, DeleteTcb], "3.10.4"),
    rule("syn-sent/abort",                        SynSent,     Abort,            Always,      Closed,      &[FailCallsReset, DeleteTcb], "3.10.5"),
    rule("syn-sent/status",                       SynSent,     Status,           Always,      SynSent,     &[], "3.10.6"),
    // R5961-5.
    rule("syn-sent/rst-bad-ack",                  SynSent,     RstOutside,       Always,      SynSent,     &[], "3.10.7.3 first"),
    rule("syn-sent/rst",                          SynSent,     RstExact,         Always,      Closed,      &[TellReset, DeleteTcb], "3.10.7.3 second"),
    rule("syn-sent/rst-no-ack",                   SynSent,     RstInWindow,      Always,      SynSent,     &[], "3.10.7.3 second"),
    rule("syn-sent/syn",                          SynSent,     Syn,              Always,      SynReceived, &[RecordSyn, HoldBehindSyn, SendSynAck], "3.10.7.3 fourth"),
    // R793-1122-1: SND.WND, SND.WL1 and SND.WL2 are taken from the SYN,ACK.
    rule("syn-sent/syn-ack",                      SynSent,     SynAck,           Always,      Established, &[RecordSyn, TakeAck, InitWindow, SendAck, TellOpen], "3.10.7.3 fourth"),
    rule("syn-sent/security",                     SynSent,     BadSecurity,      Always,      SynSent,     &[ReplyRst], "3.10.7.3 third"),
    rule("syn-sent/no-syn",                       SynSent,     NoAck,            Always,      SynSent,     &[], "3.10.7.3 fifth"),
    rule("syn-sent/ack-bad",                      SynSent,     AckFuture,        Always,      SynSent,     &[ReplyRst], "3.10.7.3 first"),
    rule("syn-sent/user-timeout",                 SynSent,     UserTimeout,      Always,      Closed,      &[TellTimeout, DeleteTcb], "3.10.8"),
    rule("syn-sent/retransmit",                   SynSent,     Retransmission,   Always,      SynSent,     &[Retransmit], "3.10.8"),
    // MUST-22.
    rule("syn-sent/r2",                           SynSent,     RetransmissionR2, Always,      Closed,      &[TellTimeout, DeleteTcb], "3.8.3"),
    rule("syn-sent/icmp-hard",                    SynSent,     IcmpHard,         Always,      Closed,      &[TellUnreachable, DeleteTcb], "3.9.2.2"),
    rule("syn-sent/icmp-soft-refused",            SynSent,     IcmpSoft,         SoftRefuses, Closed,      &[TellUnreachable, DeleteTcb], "3.9.2.2"),
    rule("syn-sent/icmp-soft",                    SynSent,     IcmpSoft,         Always,      SynSent,     &[TellSoftError], "3.9.2.2"),

    rule("syn-received/open-passive",             SynReceived, OpenPassive,      Always,      SynReceived, &[RefuseExists], "3.10.1"),
    rule("syn-received/open-active",              SynReceived, OpenActive,       Always,      SynReceived, &[RefuseExists], "3.10.1"),
    rule("syn-received/open-unspecified",         SynReceived, OpenUnspecified,  Always,      SynReceived, &[RefuseExists], "3.10.1"),
    rule("syn-received/send-closed",              SynReceived, Send,             CloseCalled, SynReceived, &[RefuseClosing], "3.10.2"),
    rule("syn-received/send-full",                SynReceived, Send,             NoRoom,      SynReceived, &[RefuseFull], "3.10.2"),
    rule("syn-received/send",                     SynReceived, Send,             Always,      SynReceived, &[], "3.10.2"),
    rule("syn-received/receive",                  SynReceived, Receive,          Always,      SynReceived, &[], "3.10.3"),
    rule("syn-received/close-again",              SynReceived, Close,            CloseCalled, SynReceived, &[RefuseClosing], "3.10.4"),
    rule("syn-received/close-in-syn-ack",          SynReceived, Close,            SynAckWaits, FinWait1,    &[QueueFin], "3.10.4"),
    rule("syn-received/close-queued",             SynReceived, Close,            TextQueued,  SynReceived, &[QueueClose], "3.10.4"),
    rule("syn-received/close",                    SynReceived, Close,            Always,      FinWait1,    &[QueueFin], "3.10.4"),
    rule("syn-received/abort",                    SynReceived, Abort,            Always,      Closed,      &[SendRst, FailCallsReset, DeleteTcb], "3.10.5"),
    rule("syn-received/status",                   SynReceived, Status,           Always,      SynReceived, &[], "3.10.6"),
    rule("syn-received/paws",                      SynReceived, Paws,             Always,      SynReceived, &[ChallengeAck], "RFC 7323 section 5.3"),
    rule("syn-received/no-timestamps",             SynReceived, NoTimestamps,     Always,      SynReceived, &[], "RFC 7323 section 3.2"),
    rule("syn-received/unacceptable",             SynReceived, Unacceptable,     Always,      SynReceived, &[ChallengeAck], "3.10.7.4 first"),
    rule("syn-received/rst-outside",              SynReceived, RstOutside,       Always,      SynReceived, &[], "3.10.7.4 first"),
    rule("syn-received/rst-fast-open",             SynReceived, RstExact,         OpenEarly,   Closed,      &[TellReset, DeleteTcb], "RFC 7413 section 4.2.2"),
    rule("syn-received/rst-restores",              SynReceived, RstExact,         Reopened,    TimeWait,    &[RestorePrevious, StartTimeWait], "3.6.1"),
    rule("syn-received/rst-passive",              SynReceived, RstExact,         Passive,     Listen,      &[ForgetPeer], "3.10.7.4 second"),
    rule("syn-received/rst-active",               SynReceived, RstExact,         Active,      Closed,      &[TellRefused, DeleteTcb], "3.10.7.4 second"),
    rule("syn-received/rst-in-window",            SynReceived, RstInWindow,      Always,      SynReceived, &[ChallengeAck], "3.10.7.4 second"),
    rule("syn-received/syn-fast-open",             SynReceived, Syn,              OpenEarly,   SynReceived, &[ChallengeAck], "RFC 5961 section 4.2"),
    rule("syn-received/syn-passive-reset",        SynReceived, Syn,              SynResetsRequest, Listen, &[ForgetPeer, ReplyRst], "none"),
    rule("syn-received/syn-passive",              SynReceived, Syn,              Passive,     Listen,      &[ForgetPeer], "3.10.7.4 fourth"),
    rule("syn-received/syn-active-5961-off",      SynReceived, Syn,              Rfc5961Off,  Closed,      &[ReplyRst, TellReset, DeleteTcb], "3.10.7.4 fourth"),
    rule("syn-received/syn-active",               SynReceived, Syn,              Active,      SynReceived, &[ChallengeAck], "3.10.7.4 fourth"),
    rule("syn-received/syn-again-repeats",        SynReceived, SynAgain,         RepeatsSynAck, SynReceived, &[RepeatSynAck], "none"),
    rule("syn-received/syn-again",                SynReceived, SynAgain,         Always,      SynReceived, &[ChallengeAck], "3.10.7.4 first"),
    rule("syn-received/ecn-mixed-passive",        SynReceived, EcnMixed,         Passive,     Listen,      &[ForgetPeer, ReplyRst], "RFC 9768 section 3.1.5"),
    rule("syn-received/ecn-mixed",                SynReceived, EcnMixed,         Active,      Closed,      &[ReplyRst, TellReset, DeleteTcb], "RFC 9768 section 3.1.5"),
    rule("syn-received/syn-outside",              SynReceived, SynOutside,       Always,      SynReceived, &[ChallengeAck], "3.10.7.4 first"),
    rule("syn-received/syn-ack-literal",          SynReceived, SynAck,           Literal,     SynReceived, &[ChallengeAck], "3.10.7.4 first, A.2"),
    rule("syn-received/syn-ack-close-queued",     SynReceived, SynAck,           CloseQueued, FinWait1,    &[TakeAck, InitWindow, AckCrossedSyn, TellOpen, QueueFin], "3.10.4, 3.5 figure 7"),
    rule("syn-received/syn-ack",                  SynReceived, SynAck,           Active,      Established, &[TakeAck, InitWindow, AckCrossedSyn, TellOpen], "3.5 figure 7"),
    rule("syn-received/syn-ack-cached",            SynReceived, SynAckUnexpected, SynCached,   SynReceived, &[], "none"),
    rule("syn-received/syn-ack-passive-reset",    SynReceived, SynAckUnexpected, SynResetsRequest, Listen, &[ForgetPeer, ReplyRst], "none"),
    rule("syn-received/syn-ack-unexpected",       SynReceived, SynAckUnexpected, Always,      SynReceived, &[ChallengeAck], "3.10.7.4 fourth"),
    rule("syn-received/security",                 SynReceived, BadSecurity,      Always,      SynReceived, &[ReplyRst], "3.10.7.4 third"),
    rule("syn-received/no-ack",                   SynReceived, NoAck,            Always,      SynReceived, &[], "3.10.7.4 fifth"),
    rule("syn-received/ack-close-queued",         SynReceived, AckAcceptable,    CloseQueued, FinWait1,    &[TakeAck, InitWindow, TellOpen, QueueFin], "3.10.4, 3.10.7.4 fifth"),
    rule("syn-received/ack",                      SynReceived, AckAcceptable,    Always,      Established, &[TakeAck, InitWindow, TellOpen], "3.10.7.4 fifth"),
    rule("syn-received/ack-bad",                  SynReceived, AckFuture,        Always,      SynReceived, &[ReplyRst], "3.10.7.4 fifth"),
    rule("syn-received/user-timeout-reset",        SynReceived, UserTimeout,      TimeoutReset,Closed,      &[SendRst, TellTimeout, DeleteTcb], "none"),
    rule("syn-received/user-timeout",             SynReceived, UserTimeout,      Always,      Closed,      &[TellTimeout, DeleteTcb], "3.10.8"),
    rule("syn-received/retransmit",               SynReceived, Retransmission,   Always,      SynReceived, &[Retransmit], "3.10.8"),
    // MUST-22: SYN and SYN,ACK too, and the user hears of it.
    rule("syn-received/r2",                       SynReceived, RetransmissionR2, Always,      Closed,      &[TellTimeout, DeleteTcb], "3.8.3"),
    rule("syn-received/icmp-hard-fast-open",       SynReceived, IcmpHard,         OpenEarly,   Closed,      &[TellUnreachable, DeleteTcb], "3.9.2.2"),
    rule("syn-received/icmp-hard-passive",        SynReceived, IcmpHard,         Passive,     Listen,      &[ForgetPeer], "3.9.2.2"),
    rule("syn-received/icmp-hard",                SynReceived, IcmpHard,         Always,      Closed,      &[TellUnreachable, DeleteTcb], "3.9.2.2"),
    rule("syn-received/icmp-soft",                SynReceived, IcmpSoft,         Always,      SynReceived, &[TellSoftError], "3.9.2.2"),
    rule("syn-received/evicted",                  SynReceived, Evict,            Always,      Closed,      &[DeleteTcb], "RFC 4987 section 3.4"),

    rule("established/open-passive",              Established, OpenPassive,      Always,      Established, &[RefuseExists], "3.10.1"),
    rule("established/open-active",               Established, OpenActive,       Always,      Established, &[RefuseExists], "3.10.1"),
    rule("established/open-unspecified",          Established, OpenUnspecified,  Always,      Established, &[RefuseExists], "3.10.1"),
    rule("established/send-full",                 Established, Send,             NoRoom,      Established, &[RefuseFull], "3.10.2"),
    rule("established/send",                      Established, Send,             Always,      Established, &[], "3.10.2"),
    rule("established/receive",                   Established, Receive,          Always,      Established, &[], "3.10.3"),
    // SHLD-3.
    rule("established/close-unread",              Established, Close,            UnreadText,  Closed,      &[SendRst, DeleteTcb], "3.6.1"),
    rule("established/close",                     Established, Close,            Always,      FinWait1,    &[QueueFin], "3.10.4"),
    rule("established/abort-keeping-state",       Established, Abort,            ResetKeepsState,TimeWait,    &[SendRst, FailCallsReset, StartTimeWait], "3.5.2"),
    rule("established/abort",                     Established, Abort,            Always,      Closed,      &[SendRst, FailCallsReset, DeleteTcb], "3.10.5"),
    rule("established/status",                    Established, Status,           Always,      Established, &[], "3.10.6"),
    rule("established/paws",                       Established, Paws,             Always,      Established, &[ChallengeAck], "RFC 7323 section 5.3"),
    rule("established/no-timestamps",              Established, NoTimestamps,     Always,      Established, &[], "RFC 7323 section 3.2"),
    rule("established/unacceptable",              Established, Unacceptable,     Always,      Established, &[ChallengeAck], "3.10.7.4 first"),
    // R5961-2.
    rule("established/rst-outside",               Established, RstOutside,       Always,      Established, &[], "3.10.7.4 first"),
    // R5961-3, MUST-12: a reset is told as such, a FIN as "closing".
    rule("established/rst",                       Established, RstExact,         Always,      Closed,      &[TellReset, DeleteTcb], "3.10.7.4 second"),
    // R5961-4.
    rule("established/rst-in-window",             Established, RstInWindow,      Always,      Established, &[ChallengeAck], "3.10.7.4 second"),
    rule("established/syn-5961-off",              Established, Syn,              Rfc5961Off,  Closed,      &[ReplyRst, TellReset, DeleteTcb], "3.10.7.4 fourth"),
    // R5961-6: a SYN draws a challenge ACK, in the window or outside; R5961-7: the RST that answers it is exact.
    rule("established/syn",                       Established, Syn,              Always,      Established, &[ChallengeAck], "3.10.7.4 fourth"),
    rule("established/ecn-mixed",                 Established, EcnMixed,         Always,      Closed,      &[ReplyRst, TellReset, DeleteTcb], "RFC 9768 section 3.1.5"),
    rule("established/syn-outside",               Established, SynOutside,       Always,      Established, &[ChallengeAck], "3.10.7.4 first"),
    rule("established/syn-ack-5961-off",          Established, SynAckUnexpected, Rfc5961Off,  Closed,      &[ReplyRst, TellReset, DeleteTcb], "3.10.7.4 fourth"),
    rule("established/syn-ack",                   Established, SynAckUnexpected, Always,      Established, &[ChallengeAck], "3.10.7.4 fourth"),
    rule("established/security",                  Established, BadSecurity,      Always,      Closed,      &[ReplyRst, TellReset, DeleteTcb], "3.10.7.4 third"),
    rule("established/no-ack",                    Established, NoAck,            Always,      Established, &[], "3.10.7.4 fifth"),
    rule("established/ack",                       Established, AckAcceptable,    Always,      Established, &[TakeAck, TakeWindow], "3.10.7.4 fifth"),
    rule("established/ack-duplicate",             Established, AckDuplicate,     Always,      Established, &[TakeWindow], "3.10.7.4 fifth"),
    rule("established/ack-too-old",               Established, AckTooOld,        Always,      Established, &[ChallengeAck], "3.10.7.4 fifth"),
    rule("established/ack-future",                Established, AckFuture,        Always,      Established, &[ChallengeAck], "3.10.7.4 fifth"),
    rule("established/urgent",                     Established, Urgent,           Always,      Established, &[TakeUrgent, TellUrgent], "3.10.7.4 sixth"),
    rule("established/urgent-again",               Established, UrgentAgain,      Always,      Established, &[], "3.10.7.4 sixth"),
    rule("established/text",                      Established, Text,             Always,      Established, &[TakeText, ScheduleAck], "3.10.7.4 seventh"),
    rule("established/text-out-of-order",         Established, TextOutOfOrder,   Always,      Established, &[HoldText, SendAck], "3.10.7.4 seventh"),
    rule("established/fin-out-of-order",           Established, FinOutOfOrder,    Always,      Established, &[HoldFin, SendAck], "3.10.7.4 eighth"),
    rule("established/fin",                       Established, Fin,              Always,      CloseWait,   &[TakeFin, ScheduleAck, TellClosing], "3.10.7.4 eighth"),
    rule("established/user-timeout",              Established, UserTimeout,      Always,      Closed,      &[TellTimeout, DeleteTcb], "3.10.8"),
    rule("established/retransmit",                Established, Retransmission,   Always,      Established, &[Retransmit], "3.10.8"),
    rule("established/r2-reset",                   Established, RetransmissionR2, TimeoutReset,Closed,      &[SendRst, TellTimeout, DeleteTcb], "none"),
    rule("established/r2",                        Established, RetransmissionR2, Always,      Closed,      &[TellTimeout, DeleteTcb], "3.8.3"),
    rule("established/delayed-ack",               Established, DelayedAck,       Always,      Established, &[SendAck], "3.8.6.3"),
    rule("established/keepalive",                 Established, KeepAlive,        Always,      Established, &[ProbePeer], "3.8.4"),
    rule("established/keepalive-dead-reset",      Established, KeepAliveDead,    DeadPeerReset,Closed,      &[SendRst, TellTimeout, DeleteTcb], "3.8.4"),
    rule("established/keepalive-dead",            Established, KeepAliveDead,    Always,      Closed,      &[TellTimeout, DeleteTcb], "3.8.4"),
    rule("established/icmp-hard-is-soft",         Established, IcmpHard,         HardIsSoft,  Established, &[TellSoftError], "RFC 5461 section 4"),
    rule("established/icmp-hard",                 Established, IcmpHard,         Always,      Closed,      &[TellUnreachable, DeleteTcb], "3.9.2.2"),
    rule("established/icmp-soft",                 Established, IcmpSoft,         Always,      Established, &[TellSoftError], "3.9.2.2"),

    rule("fin-wait-1/open-passive",               FinWait1,    OpenPassive,      Always,      FinWait1,    &[RefuseExists], "3.10.1"),
    rule("fin-wait-1/open-active",                FinWait1,    OpenActive,       Always,      FinWait1,    &[RefuseExists], "3.10.1"),
    rule("fin-wait-1/open-unspecified",           FinWait1,    OpenUnspecified,  Always,      FinWait1,    &[RefuseExists], "3.10.1"),
    rule("fin-wait-1/send",                       FinWait1,    Send,             Always,      FinWait1,    &[RefuseClosing], "3.10.2"),
    rule("fin-wait-1/receive",                    FinWait1,    Receive,          Always,      FinWait1,    &[], "3.10.3"),
    rule("fin-wait-1/close-unread",                FinWait1,    Close,            UnreadText,  Closed,      &[SendRst, DeleteTcb], "3.6.1"),
    rule("fin-wait-1/close",                      FinWait1,    Close,            Always,      FinWait1,    &[RefuseClosing], "3.10.4"),
    rule("fin-wait-1/abort-keeping-state",        FinWait1,    Abort,            ResetKeepsState,TimeWait,    &[SendRst, FailCallsReset, StartTimeWait], "3.5.2"),
    rule("fin-wait-1/abort",                      FinWait1,    Abort,            Always,      Closed,      &[SendRst, FailCallsReset, DeleteTcb], "3.10.5"),
    rule("fin-wait-1/status",                     FinWait1,    Status,           Always,      FinWait1,    &[], "3.10.6"),
    rule("fin-wait-1/paws",                        FinWait1,    Paws,             Always,      FinWait1,    &[ChallengeAck], "RFC 7323 section 5.3"),
    rule("fin-wait-1/no-timestamps",               FinWait1,    NoTimestamps,     Always,      FinWait1,    &[], "RFC 7323 section 3.2"),
    rule("fin-wait-1/unacceptable",               FinWait1,    Unacceptable,     Always,      FinWait1,    &[ChallengeAck], "3.10.7.4 first"),
    rule("fin-wait-1/rst-outside",                FinWait1,    RstOutside,       Always,      FinWait1,    &[], "3.10.7.4 first"),
    rule("fin-wait-1/rst",                        FinWait1,    RstExact,         Always,      Closed,      &[TellReset, DeleteTcb], "3.10.7.4 second"),
    rule("fin-wait-1/rst-in-window",              FinWait1,    RstInWindow,      Always,      FinWait1,    &[ChallengeAck], "3.10.7.4 second"),
    rule("fin-wait-1/syn-5961-off",               FinWait1,    Syn,              Rfc5961Off,  Closed,      &[ReplyRst, TellReset, DeleteTcb], "3.10.7.4 fourth"),
    rule("fin-wait-1/syn",                        FinWait1,    Syn,              Always,      FinWait1,    &[ChallengeAck], "3.10.7.4 fourth"),
    rule("fin-wait-1/syn-outside",                FinWait1,    SynOutside,       Always,      FinWait1,    &[ChallengeAck], "3.10.7.4 first"),
    rule("fin-wait-1/syn-ack-5961-off",           FinWait1,    SynAckUnexpected, Rfc5961Off,  Closed,      &[ReplyRst, TellReset, DeleteTcb], "3.10.7.4 fourth"),
    rule("fin-wait-1/syn-ack",                    FinWait1,    SynAckUnexpected, Always,      FinWait1,    &[ChallengeAck], "3.10.7.4 fourth"),
    rule("fin-wait-1/security",                   FinWait1,    BadSecurity,      Always,      Closed,      &[ReplyRst, TellReset, DeleteTcb], "3.10.7.4 third"),
    rule("fin-wait-1/no-ack",                     FinWait1,    NoAck,            Always,      FinWait1,    &[], "3.10.7.4 fifth"),
    rule("fin-wait-1/ack",                        FinWait1,    AckAcceptable,    Always,      FinWait1,    &[TakeAck, TakeWindow], "3.10.7.4 fifth"),
    rule("fin-wait-1/fin-acked-forsaken",          FinWait1,    FinAcked,         Forsaken,    Closed,      &[ReplyRst, DeleteTcb], "none"),
    rule("fin-wait-1/fin-acked",                  FinWait1,    FinAcked,         Always,      FinWait2,    &[TakeAck, TakeWindow, StartOrphan], "3.10.7.4 fifth"),
    rule("fin-wait-1/ack-duplicate",              FinWait1,    AckDuplicate,     Always,      FinWait1,    &[TakeWindow], "3.10.7.4 fifth"),
    rule("fin-wait-1/ack-too-old",                FinWait1,    AckTooOld,        Always,      FinWait1,    &[ChallengeAck], "3.10.7.4 fifth"),
    rule("fin-wait-1/ack-future",                 FinWait1,    AckFuture,        Always,      FinWait1,    &[ChallengeAck], "3.10.7.4 fifth"),
    rule("fin-wait-1/urgent",                      FinWait1,    Urgent,           Always,      FinWait1,    &[TakeUrgent, TellUrgent], "3.10.7.4 sixth"),
    rule("fin-wait-1/urgent-again",                FinWait1,    UrgentAgain,      Always,      FinWait1,    &[], "3.10.7.4 sixth"),
    // SHLD-3.
    rule("fin-wait-1/text-no-reader",             FinWait1,    Text,             NoReader,    Closed,      &[ReplyRst, DeleteTcb], "3.6.1"),
    rule("fin-wait-1/text",                       FinWait1,    Text,             Always,      FinWait1,    &[TakeText, ScheduleAck], "3.10.7.4 seventh"),
    rule("fin-wait-1/text-out-of-order",          FinWait1,    TextOutOfOrder,   Always,      FinWait1,    &[HoldText, SendAck], "3.10.7.4 seventh"),
    rule("fin-wait-1/fin-out-of-order",            FinWait1,    FinOutOfOrder,    Always,      FinWait1,    &[HoldFin, SendAck], "3.10.7.4 eighth"),
    rule("fin-wait-1/fin-repeated",               FinWait1,    Fin,              RepeatsFin,  Closing,     &[TakeFin, SendAckWithFin, TellClosing], "none"),
    rule("fin-wait-1/fin",                        FinWait1,    Fin,              Always,      Closing,     &[TakeFin, SendAck, TellClosing], "3.10.7.4 eighth"),
    rule("fin-wait-1/user-timeout",               FinWait1,    UserTimeout,      Always,      Closed,      &[TellTimeout, DeleteTcb], "3.10.8"),
    rule("fin-wait-1/retransmit",                 FinWait1,    Retransmission,   Always,      FinWait1,    &[Retransmit], "3.10.8"),
    rule("fin-wait-1/r2-reset",                    FinWait1,    RetransmissionR2, TimeoutReset,Closed,      &[SendRst, TellTimeout, DeleteTcb], "none"),
    rule("fin-wait-1/r2",                         FinWait1,    RetransmissionR2, Always,      Closed,      &[TellTimeout, DeleteTcb], "3.8.3"),
    rule("fin-wait-1/delayed-ack",                FinWait1,    DelayedAck,       Always,      FinWait1,    &[SendAck], "3.8.6.3"),
    rule("fin-wait-1/icmp-hard-is-soft",          FinWait1,    IcmpHard,         HardIsSoft,  FinWait1,    &[TellSoftError], "RFC 5461 section 4"),
    rule("fin-wait-1/icmp-hard",                  FinWait1,    IcmpHard,         Always,      Closed,      &[TellUnreachable, DeleteTcb], "3.9.2.2"),
    rule("fin-wait-1/icmp-soft",                  FinWait1,    IcmpSoft,         Always,      FinWait1,    &[TellSoftError], "3.9.2.2"),

    rule("fin-wait-2/open-passive",               FinWait2,    OpenPassive,      Always,      FinWait2,    &[RefuseExists], "3.10.1"),
    rule("fin-wait-2/open-active",                FinWait2,    OpenActive,       Always,      FinWait2,    &[RefuseExists], "3.10.1"),
    rule("fin-wait-2/open-unspecified",           FinWait2,    OpenUnspecified,  Always,      FinWait2,    &[RefuseExists], "3.10.1"),
    rule("fin-wait-2/send",                       FinWait2,    Send,             Always,      FinWait2,    &[RefuseClosing], "3.10.2"),
    rule("fin-wait-2/receive",                    FinWait2,    Receive,          Always,      FinWait2,    &[], "3.10.3"),
    rule("fin-wait-2/close-unread",                FinWait2,    Close,            UnreadText,  Closed,      &[SendRst, DeleteTcb], "3.6.1"),
    rule("fin-wait-2/close-forsaken",              FinWait2,    Close,            Forsaken,    Closed,      &[SendRst, DeleteTcb], "none"),
    rule("fin-wait-2/close",                      FinWait2,    Close,            Always,      FinWait2,    &[RefuseClosing, StartOrphan], "3.10.4"),
    rule("fin-wait-2/abort-keeping-state",        FinWait2,    Abort,            ResetKeepsState,TimeWait,    &[SendRst, FailCallsReset, StartTimeWait], "3.5.2"),
    rule("fin-wait-2/abort",                      FinWait2,    Abort,            Always,      Closed,      &[SendRst, FailCallsReset, DeleteTcb], "3.10.5"),
    rule("fin-wait-2/status",                     FinWait2,    Status,           Always,      FinWait2,    &[], "3.10.6"),
    rule("fin-wait-2/paws",                        FinWait2,    Paws,             Always,      FinWait2,    &[ChallengeAck], "RFC 7323 section 5.3"),
    rule("fin-wait-2/no-timestamps",               FinWait2,    NoTimestamps,     Always,      FinWait2,    &[], "RFC 7323 section 3.2"),
    rule("fin-wait-2/unacceptable",               FinWait2,    Unacceptable,     Always,      FinWait2,    &[ChallengeAck], "3.10.7.4 first"),
    rule("fin-wait-2/rst-outside",                FinWait2,    RstOutside,       Always,      FinWait2,    &[], "3.10.7.4 first"),
    rule("fin-wait-2/rst",                        FinWait2,    RstExact,         Always,      Closed,      &[TellReset, DeleteTcb], "3.10.7.4 second"),
    rule("fin-wait-2/rst-in-window",              FinWait2,    RstInWindow,      Always,      FinWait2,    &[ChallengeAck], "3.10.7.4 second"),
    rule("fin-wait-2/syn-5961-off",               FinWait2,    Syn,              Rfc5961Off,  Closed,      &[ReplyRst, TellReset, DeleteTcb], "3.10.7.4 fourth"),
    rule("fin-wait-2/syn",                        FinWait2,    Syn,              Always,      FinWait2,    &[ChallengeAck], "3.10.7.4 fourth"),
    rule("fin-wait-2/syn-outside",                FinWait2,    SynOutside,       Always,      FinWait2,    &[ChallengeAck], "3.10.7.4 first"),
    rule("fin-wait-2/syn-ack-5961-off",           FinWait2,    SynAckUnexpected, Rfc5961Off,  Closed,      &[ReplyRst, TellReset, DeleteTcb], "3.10.7.4 fourth"),
    rule("fin-wait-2/syn-ack",                    FinWait2,    SynAckUnexpected, Always,      FinWait2,    &[ChallengeAck], "3.10.7.4 fourth"),
    rule("fin-wait-2/security",                   FinWait2,    BadSecurity,      Always,      Closed,      &[ReplyRst, TellReset, DeleteTcb], "3.10.7.4 third"),
    rule("fin-wait-2/no-ack",                     FinWait2,    NoAck,            Always,      FinWait2,    &[], "3.10.7.4 fifth"),
    rule("fin-wait-2/ack-duplicate",              FinWait2,    AckDuplicate,     Always,      FinWait2,    &[TakeWindow], "3.10.7.4 fifth"),
    rule("fin-wait-2/ack-too-old",                FinWait2,    AckTooOld,        Always,      FinWait2,    &[ChallengeAck], "3.10.7.4 fifth"),
    rule("fin-wait-2/ack-future",                 FinWait2,    AckFuture,        Always,      FinWait2,    &[ChallengeAck], "3.10.7.4 fifth"),
    rule("fin-wait-2/urgent",                      FinWait2,    Urgent,           Always,      FinWait2,    &[TakeUrgent, TellUrgent], "3.10.7.4 sixth"),
    rule("fin-wait-2/urgent-again",                FinWait2,    UrgentAgain,      Always,      FinWait2,    &[], "3.10.7.4 sixth"),
    rule("fin-wait-2/text-no-reader",             FinWait2,    Text,             NoReader,    Closed,      &[ReplyRst, DeleteTcb], "3.6.1"),
    rule("fin-wait-2/text",                       FinWait2,    Text,             Always,      FinWait2,    &[TakeText, ScheduleAck], "3.10.7.4 seventh"),
    rule("fin-wait-2/text-out-of-order",          FinWait2,    TextOutOfOrder,   Always,      FinWait2,    &[HoldText, SendAck], "3.10.7.4 seventh"),
    rule("fin-wait-2/fin-out-of-order",            FinWait2,    FinOutOfOrder,    Always,      FinWait2,    &[HoldFin, SendAck], "3.10.7.4 eighth"),
    // MUST-13: whoever closes first waits 2 MSL.
    rule("fin-wait-2/fin",                        FinWait2,    Fin,              Always,      TimeWait,    &[TakeFin, SendAck, TellClosing, StartTimeWait], "3.10.7.4 eighth"),
    rule("fin-wait-2/user-timeout",               FinWait2,    UserTimeout,      Always,      Closed,      &[TellTimeout, DeleteTcb], "3.10.8"),
    rule("fin-wait-2/delayed-ack",                FinWait2,    DelayedAck,       Always,      FinWait2,    &[SendAck], "3.8.6.3"),
    rule("fin-wait-2/orphan-timeout",             FinWait2,    FinWait2Timeout,  Always,      Closed,      &[DeleteTcb], "none"),
    rule("fin-wait-2/keepalive",                  FinWait2,    KeepAlive,        Always,      FinWait2,    &[ProbePeer], "3.8.4"),
    rule("fin-wait-2/keepalive-dead-reset",       FinWait2,    KeepAliveDead,    DeadPeerReset,Closed,      &[SendRst, TellTimeout, DeleteTcb], "3.8.4"),
    rule("fin-wait-2/keepalive-dead",             FinWait2,    KeepAliveDead,    Always,      Closed,      &[TellTimeout, DeleteTcb], "3.8.4"),
    rule("fin-wait-2/icmp-hard-is-soft",          FinWait2,    IcmpHard,         HardIsSoft,  FinWait2,    &[TellSoftError], "RFC 5461 section 4"),
    rule("fin-wait-2/icmp-hard",                  FinWait2,    IcmpHard,         Always,      Closed,      &[TellUnreachable, DeleteTcb], "3.9.2.2"),
    rule("fin-wait-2/icmp-soft",                  FinWait2,    IcmpSoft,         Always,      FinWait2,    &[TellSoftError], "3.9.2.2"),

    rule("close-wait/open-passive",               CloseWait,   OpenPassive,      Always,      CloseWait,   &[RefuseExists], "3.10.1"),
    rule("close-wait/open-active",                CloseWait,   OpenActive,       Always,      CloseWait,   &[RefuseExists], "3.10.1"),
    rule("close-wait/open-unspecified",           CloseWait,   OpenUnspecified,  Always,      CloseWait,   &[RefuseExists], "3.10.1"),
    rule("close-wait/send-closed",                CloseWait,   Send,             CloseCalled, CloseWait,   &[RefuseClosing], "3.10.2"),
    rule("close-wait/send-full",                  CloseWait,   Send,             NoRoom,      CloseWait,   &[RefuseFull], "3.10.2"),
    rule("close-wait/send",                       CloseWait,   Send,             Always,      CloseWait,   &[], "3.10.2"),
    rule("close-wait/receive-nothing",            CloseWait,   Receive,          NothingUnread,CloseWait,   &[RefuseClosing], "3.10.3"),
    rule("close-wait/receive",                    CloseWait,   Receive,          Always,      CloseWait,   &[], "3.10.3"),
    rule("close-wait/close-again",                CloseWait,   Close,            CloseCalled, CloseWait,   &[RefuseClosing], "3.10.4"),
    rule("close-wait/close-unread",               CloseWait,   Close,            UnreadText,  Closed,      &[SendRst, DeleteTcb], "3.6.1"),
    rule("close-wait/close",                      CloseWait,   Close,            Always,      CloseWait,   &[QueueFin], "3.10.4"),
    rule("close-wait/abort-keeping-state",        CloseWait,   Abort,            ResetKeepsState,TimeWait,    &[SendRst, FailCallsReset, StartTimeWait], "3.5.2"),
    rule("close-wait/abort",                      CloseWait,   Abort,            Always,      Closed,      &[SendRst, FailCallsReset, DeleteTcb], "3.10.5"),
    rule("close-wait/status",                     CloseWait,   Status,           Always,      CloseWait,   &[], "3.10.6"),
    rule("close-wait/paws",                        CloseWait,   Paws,             Always,      CloseWait,   &[ChallengeAck], "RFC 7323 section 5.3"),
    rule("close-wait/no-timestamps",               CloseWait,   NoTimestamps,     Always,      CloseWait,   &[], "RFC 7323 section 3.2"),
    rule("close-wait/unacceptable",               CloseWait,   Unacceptable,     Always,      CloseWait,   &[ChallengeAck], "3.10.7.4 first"),
    rule("close-wait/rst-outside",                CloseWait,   RstOutside,       Always,      CloseWait,   &[], "3.10.7.4 first"),
    rule("close-wait/rst",                        CloseWait,   RstExact,         Always,      Closed,      &[TellReset, DeleteTcb], "3.10.7.4 second"),
    rule("close-wait/rst-in-window",              CloseWait,   RstInWindow,      Always,      CloseWait,   &[ChallengeAck], "3.10.7.4 second"),
    rule("close-wait/syn-5961-off",               CloseWait,   Syn,              Rfc5961Off,  Closed,      &[ReplyRst, TellReset, DeleteTcb], "3.10.7.4 fourth"),
    rule("close-wait/syn",                        CloseWait,   Syn,              Always,      CloseWait,   &[ChallengeAck], "3.10.7.4 fourth"),
    rule("close-wait/syn-outside",                CloseWait,   SynOutside,       Always,      CloseWait,   &[ChallengeAck], "3.10.7.4 first"),
    rule("close-wait/syn-ack-5961-off",           CloseWait,   SynAckUnexpected, Rfc5961Off,  Closed,      &[ReplyRst, TellReset, DeleteTcb], "3.10.7.4 fourth"),
    rule("close-wait/syn-ack",                    CloseWait,   SynAckUnexpected, Always,      CloseWait,   &[ChallengeAck], "3.10.7.4 fourth"),
    rule("close-wait/security",                   CloseWait,   BadSecurity,      Always,      Closed,      &[ReplyRst, TellReset, DeleteTcb], "3.10.7.4 third"),
    rule("close-wait/no-ack",                     CloseWait,   NoAck,            Always,      CloseWait,   &[], "3.10.7.4 fifth"),
    rule("close-wait/ack",                        CloseWait,   AckAcceptable,    Always,      CloseWait,   &[TakeAck, TakeWindow], "3.10.7.4 fifth"),
    rule("close-wait/ack-duplicate",              CloseWait,   AckDuplicate,     Always,      CloseWait,   &[TakeWindow], "3.10.7.4 fifth"),
    rule("close-wait/ack-too-old",                CloseWait,   AckTooOld,        Always,      CloseWait,   &[ChallengeAck], "3.10.7.4 fifth"),
    rule("close-wait/ack-future",                 CloseWait,   AckFuture,        Always,      CloseWait,   &[ChallengeAck], "3.10.7.4 fifth"),
    rule("close-wait/urgent",                      CloseWait,   Urgent,           Always,      CloseWait,   &[], "3.10.7.4 sixth"),
    rule("close-wait/text-behind-fin",             CloseWait,   Text,             BehindFin,   Closed,      &[ReplyRst, TellReset, DeleteTcb], "none"),
    rule("close-wait/fin-again",                  CloseWait,   FinAgain,         Always,      CloseWait,   &[ChallengeAck], "3.10.7.4 first"),
    rule("close-wait/fin-sent",                   CloseWait,   FinSent,          Always,      LastAck,     &[], "3.10.4"),
    rule("close-wait/user-timeout",               CloseWait,   UserTimeout,      Always,      Closed,      &[TellTimeout, DeleteTcb], "3.10.8"),
    rule("close-wait/retransmit",                 CloseWait,   Retransmission,   Always,      CloseWait,   &[Retransmit], "3.10.8"),
    rule("close-wait/r2-reset",                    CloseWait,   RetransmissionR2, TimeoutReset,Closed,      &[SendRst, TellTimeout, DeleteTcb], "none"),
    rule("close-wait/r2",                         CloseWait,   RetransmissionR2, Always,      Closed,      &[TellTimeout, DeleteTcb], "3.8.3"),
    rule("close-wait/delayed-ack",                CloseWait,   DelayedAck,       Always,      CloseWait,   &[SendAck], "3.8.6.3"),
    rule("close-wait/keepalive",                  CloseWait,   KeepAlive,        Always,      CloseWait,   &[ProbePeer], "3.8.4"),
    rule("close-wait/keepalive-dead-reset",       CloseWait,   KeepAliveDead,    DeadPeerReset,Closed,      &[SendRst, TellTimeout, DeleteTcb], "3.8.4"),
    rule("close-wait/keepalive-dead",             CloseWait,   KeepAliveDead,    Always,      Closed,      &[TellTimeout, DeleteTcb], "3.8.4"),
    rule("close-wait/icmp-hard-is-soft",          CloseWait,   IcmpHard,         HardIsSoft,  CloseWait,   &[TellSoftError], "RFC 5461 section 4"),
    rule("close-wait/icmp-hard",                  CloseWait,   IcmpHard,         Always,      Closed,      &[TellUnreachable, DeleteTcb], "3.9.2.2"),
    rule("close-wait/icmp-soft",                  CloseWait,   IcmpSoft,         Always,      CloseWait,   &[TellSoftError], "3.9.2.2"),

    rule("closing/open-passive",                  Closing,     OpenPassive,      Always,      Closing,     &[RefuseExists], "3.10.1"),
    rule("closing/open-active",                   Closing,     OpenActive,       Always,      Closing,     &[RefuseExists], "3.10.1"),
    rule("closing/open-unspecified",              Closing,     OpenUnspecified,  Always,      Closing,     &[RefuseExists], "3.10.1"),
    rule("closing/send",                          Closing,     Send,             Always,      Closing,     &[RefuseClosing], "3.10.2"),
    rule("closing/receive-nothing",               Closing,     Receive,          NothingUnread,Closing,     &[RefuseClosing], "3.10.3"),
    rule("closing/receive",                       Closing,     Receive,          Always,      Closing,     &[], "3.10.3"),
    rule("closing/close-unread",                   Closing,     Close,            UnreadText,  Closed,      &[SendRst, DeleteTcb], "3.6.1"),
    rule("closing/close",                         Closing,     Close,            Always,      Closing,     &[RefuseClosing], "3.10.4"),
    rule("closing/abort-reset",                    Closing,     Abort,            AbortResets, Closed,      &[SendRst, FailCallsReset, DeleteTcb], "none"),
    rule("closing/abort",                         Closing,     Abort,            Always,      Closed,      &[DeleteTcb], "3.10.5"),
    rule("closing/status",                        Closing,     Status,           Always,      Closing,     &[], "3.10.6"),
    rule("closing/paws",                           Closing,     Paws,             Always,      Closing,     &[ChallengeAck], "RFC 7323 section 5.3"),
    rule("closing/no-timestamps",                  Closing,     NoTimestamps,     Always,      Closing,     &[], "RFC 7323 section 3.2"),
    rule("closing/unacceptable",                  Closing,     Unacceptable,     Always,      Closing,     &[ChallengeAck], "3.10.7.4 first"),
    rule("closing/rst-outside",                   Closing,     RstOutside,       Always,      Closing,     &[], "3.10.7.4 first"),
    rule("closing/rst-told",                       Closing,     RstExact,         ResetTold,   Closed,      &[TellReset, DeleteTcb], "none"),
    rule("closing/rst",                           Closing,     RstExact,         Always,      Closed,      &[DeleteTcb], "3.10.7.4 second"),
    rule("closing/rst-in-window",                 Closing,     RstInWindow,      Always,      Closing,     &[ChallengeAck], "3.10.7.4 second"),
    rule("closing/syn-5961-off",                  Closing,     Syn,              Rfc5961Off,  Closed,      &[ReplyRst, TellReset, DeleteTcb], "3.10.7.4 fourth"),
    rule("closing/syn",                           Closing,     Syn,              Always,      Closing,     &[ChallengeAck], "3.10.7.4 fourth"),
    rule("closing/syn-outside",                   Closing,     SynOutside,       Always,      Closing,     &[ChallengeAck], "3.10.7.4 first"),
    rule("closing/syn-ack-5961-off",              Closing,     SynAckUnexpected, Rfc5961Off,  Closed,      &[ReplyRst, TellReset, DeleteTcb], "3.10.7.4 fourth"),
    rule("closing/syn-ack",                       Closing,     SynAckUnexpected, Always,      Closing,     &[ChallengeAck], "3.10.7.4 fourth"),
    rule("closing/security",                      Closing,     BadSecurity,      Always,      Closed,      &[ReplyRst, TellReset, DeleteTcb], "3.10.7.4 third"),
    rule("closing/no-ack",                        Closing,     NoAck,            Always,      Closing,     &[], "3.10.7.4 fifth"),
    rule("closing/ack",                           Closing,     AckAcceptable,    Always,      Closing,     &[TakeAck, TakeWindow], "3.10.7.4 fifth"),
    rule("closing/fin-acked",                     Closing,     FinAcked,         Always,      TimeWait,    &[TakeAck, StartTimeWait], "3.10.7.4 fifth"),
    rule("closing/ack-duplicate",                 Closing,     AckDuplicate,     Always,      Closing,     &[TakeWindow], "3.10.7.4 fifth"),
    rule("closing/ack-too-old",                   Closing,     AckTooOld,        Always,      Closing,     &[ChallengeAck], "3.10.7.4 fifth"),
    rule("closing/ack-future",                    Closing,     AckFuture,        Always,      Closing,     &[ChallengeAck], "3.10.7.4 fifth"),
    rule("closing/urgent",                         Closing,     Urgent,           Always,      Closing,     &[], "3.10.7.4 sixth"),
    rule("closing/text-behind-fin",                Closing,     Text,             BehindFin,   Closed,      &[ReplyRst, TellReset, DeleteTcb], "none"),
    rule("closing/fin-again",                     Closing,     FinAgain,         Always,      Closing,     &[ChallengeAck], "3.10.7.4 first"),
    rule("closing/user-timeout",                  Closing,     UserTimeout,      Always,      Closed,      &[TellTimeout, DeleteTcb], "3.10.8"),
    rule("closing/retransmit",                    Closing,     Retransmission,   Always,      Closing,     &[Retransmit], "3.10.8"),
    rule("closing/r2-reset",                       Closing,     RetransmissionR2, TimeoutReset,Closed,      &[SendRst, TellTimeout, DeleteTcb], "none"),
    rule("closing/r2",                            Closing,     RetransmissionR2, Always,      Closed,      &[TellTimeout, DeleteTcb], "3.8.3"),
    rule("closing/icmp-hard-is-soft",             Closing,     IcmpHard,         HardIsSoft,  Closing,     &[TellSoftError], "RFC 5461 section 4"),
    rule("closing/icmp-hard",                     Closing,     IcmpHard,         Always,      Closed,      &[TellUnreachable, DeleteTcb], "3.9.2.2"),
    rule("closing/icmp-soft",                     Closing,     IcmpSoft,         Always,      Closing,     &[TellSoftError], "3.9.2.2"),

    rule("last-ack/open-passive",                 LastAck,     OpenPassive,      Always,      LastAck,     &[RefuseExists], "3.10.1"),
    rule("last-ack/open-active",                  LastAck,     OpenActive,       Always,      LastAck,     &[RefuseExists], "3.10.1"),
    rule("last-ack/open-unspecified",             LastAck,     OpenUnspecified,  Always,      LastAck,     &[RefuseExists], "3.10.1"),
    rule("last-ack/send",                         LastAck,     Send,             Always,      LastAck,     &[RefuseClosing], "3.10.2"),
    rule("last-ack/receive-nothing",              LastAck,     Receive,          NothingUnread,LastAck,     &[RefuseClosing], "3.10.3"),
    rule("last-ack/receive",                      LastAck,     Receive,          Always,      LastAck,     &[], "3.10.3"),
    rule("last-ack/close-unread",                  LastAck,     Close,            UnreadText,  Closed,      &[SendRst, DeleteTcb], "3.6.1"),
    rule("last-ack/close",                        LastAck,     Close,            Always,      LastAck,     &[RefuseClosing], "3.10.4"),
    rule("last-ack/abort-reset",                   LastAck,     Abort,            AbortResets, Closed,      &[SendRst, FailCallsReset, DeleteTcb], "none"),
    rule("last-ack/abort",                        LastAck,     Abort,            Always,      Closed,      &[DeleteTcb], "3.10.5"),
    rule("last-ack/status",                       LastAck,     Status,           Always,      LastAck,     &[], "3.10.6"),
    rule("last-ack/paws",                          LastAck,     Paws,             Always,      LastAck,     &[ChallengeAck], "RFC 7323 section 5.3"),
    rule("last-ack/no-timestamps",                 LastAck,     NoTimestamps,     Always,      LastAck,     &[], "RFC 7323 section 3.2"),
    rule("last-ack/unacceptable",                 LastAck,     Unacceptable,     Always,      LastAck,     &[ChallengeAck], "3.10.7.4 first"),
    rule("last-ack/rst-outside",                  LastAck,     RstOutside,       Always,      LastAck,     &[], "3.10.7.4 first"),
    rule("last-ack/rst-told",                      LastAck,     RstExact,         ResetTold,   Closed,      &[TellReset, DeleteTcb], "none"),
    rule("last-ack/rst",                          LastAck,     RstExact,         Always,      Closed,      &[DeleteTcb], "3.10.7.4 second"),
    rule("last-ack/rst-in-window",                LastAck,     RstInWindow,      Always,      LastAck,     &[ChallengeAck], "3.10.7.4 second"),
    rule("last-ack/syn-5961-off",                 LastAck,     Syn,              Rfc5961Off,  Closed,      &[ReplyRst, TellReset, DeleteTcb], "3.10.7.4 fourth"),
    rule("last-ack/syn",                          LastAck,     Syn,              Always,      LastAck,     &[ChallengeAck], "3.10.7.4 fourth"),
    rule("last-ack/syn-outside",                  LastAck,     SynOutside,       Always,      LastAck,     &[ChallengeAck], "3.10.7.4 first"),
    rule("last-ack/syn-ack-5961-off",             LastAck,     SynAckUnexpected, Rfc5961Off,  Closed,      &[ReplyRst, TellReset, DeleteTcb], "3.10.7.4 fourth"),
    rule("last-ack/syn-ack",                      LastAck,     SynAckUnexpected, Always,      LastAck,     &[ChallengeAck], "3.10.7.4 fourth"),
    rule("last-ack/security",                     LastAck,     BadSecurity,      Always,      Closed,      &[ReplyRst, TellReset, DeleteTcb], "3.10.7.4 third"),
    rule("last-ack/no-ack",                       LastAck,     NoAck,            Always,      LastAck,     &[], "3.10.7.4 fifth"),
    rule("last-ack/ack",                          LastAck,     AckAcceptable,    Always,      LastAck,     &[TakeAck, TakeWindow], "3.10.7.4 fifth"),
    rule("last-ack/fin-acked",                    LastAck,     FinAcked,         Always,      Closed,      &[TakeAck, TellClosed, DeleteTcb], "3.10.7.4 fifth"),
    rule("last-ack/ack-duplicate",                LastAck,     AckDuplicate,     Always,      LastAck,     &[TakeWindow], "3.10.7.4 fifth"),
    rule("last-ack/ack-too-old",                  LastAck,     AckTooOld,        Always,      LastAck,     &[ChallengeAck], "3.10.7.4 fifth"),
    rule("last-ack/ack-future",                   LastAck,     AckFuture,        Always,      LastAck,     &[ChallengeAck], "3.10.7.4 fifth"),
    rule("last-ack/urgent",                        LastAck,     Urgent,           Always,      LastAck,     &[], "3.10.7.4 sixth"),
    rule("last-ack/text-behind-fin",               LastAck,     Text,             BehindFin,   Closed,      &[ReplyRst, TellReset, DeleteTcb], "none"),
    rule("last-ack/fin-again",                    LastAck,     FinAgain,         Always,      LastAck,     &[ChallengeAck], "3.10.7.4 first"),
    rule("last-ack/user-timeout",                 LastAck,     UserTimeout,      Always,      Closed,      &[TellTimeout, DeleteTcb], "3.10.8"),
    rule("last-ack/retransmit",                   LastAck,     Retransmission,   Always,      LastAck,     &[Retransmit], "3.10.8"),
    rule("last-ack/r2-reset",                      LastAck,     RetransmissionR2, TimeoutReset,Closed,      &[SendRst, TellTimeout, DeleteTcb], "none"),
    rule("last-ack/r2",                           LastAck,     RetransmissionR2, Always,      Closed,      &[TellTimeout, DeleteTcb], "3.8.3"),
    rule("last-ack/icmp-hard-is-soft",            LastAck,     IcmpHard,         HardIsSoft,  LastAck,     &[TellSoftError], "RFC 5461 section 4"),
    rule("last-ack/icmp-hard",                    LastAck,     IcmpHard,         Always,      Closed,      &[TellUnreachable, DeleteTcb], "3.9.2.2"),
    rule("last-ack/icmp-soft",                    LastAck,     IcmpSoft,         Always,      LastAck,     &[TellSoftError], "3.9.2.2"),

    rule("time-wait/open-passive",                TimeWait,    OpenPassive,      Always,      TimeWait,    &[RefuseExists], "3.10.1"),
    rule("time-wait/open-active",                 TimeWait,    OpenActive,       Always,      TimeWait,    &[RefuseExists], "3.10.1"),
    rule("time-wait/open-unspecified",            TimeWait,    OpenUnspecified,  Always,      TimeWait,    &[RefuseExists], "3.10.1"),
    rule("time-wait/send",                        TimeWait,    Send,             Always,      TimeWait,    &[RefuseClosing], "3.10.2"),
    rule("time-wait/receive-nothing",             TimeWait,    Receive,          NothingUnread,TimeWait,    &[RefuseClosing], "3.10.3"),
    rule("time-wait/receive",                     TimeWait,    Receive,          Always,      TimeWait,    &[], "3.10.3"),
    rule("time-wait/close",                       TimeWait,    Close,            Always,      TimeWait,    &[RefuseClosing], "3.10.4"),
    rule("time-wait/abort",                       TimeWait,    Abort,            Always,      Closed,      &[DeleteTcb], "3.10.5"),
    rule("time-wait/status",                      TimeWait,    Status,           Always,      TimeWait,    &[], "3.10.6"),
    rule("time-wait/paws",                         TimeWait,    Paws,             Always,      TimeWait,    &[ChallengeAck], "RFC 7323 section 5.3"),
    rule("time-wait/no-timestamps",                TimeWait,    NoTimestamps,     Always,      TimeWait,    &[], "RFC 7323 section 3.2"),
    rule("time-wait/unacceptable",                TimeWait,    Unacceptable,     Always,      TimeWait,    &[ChallengeAck], "3.10.7.4 first"),
    rule("time-wait/rst-outside",                 TimeWait,    RstOutside,       Always,      TimeWait,    &[], "3.10.7.4 first"),
    rule("time-wait/rst-1337",                    TimeWait,    RstExact,         Rfc1337,     TimeWait,    &[], "RFC 1337 section 3"),
    rule("time-wait/rst",                         TimeWait,    RstExact,         Always,      Closed,      &[DeleteTcb], "3.10.7.4 second"),
    rule("time-wait/rst-in-window-1337",          TimeWait,    RstInWindow,      Rfc1337,     TimeWait,    &[], "RFC 1337 section 3"),
    rule("time-wait/rst-in-window",               TimeWait,    RstInWindow,      Always,      TimeWait,    &[ChallengeAck], "3.10.7.4 second"),
    rule("time-wait/syn-newer",                    TimeWait,    SynNewer,         Always,      SynReceived, &[RecordSyn, HoldBehindSyn, SendSynAck], "3.6.1, RFC 6191 section 2"),
    rule("time-wait/syn-unanswered",               TimeWait,    Syn,              SynUnanswered, TimeWait,    &[], "RFC 6191 section 2"),
    rule("time-wait/syn-5961-off",                TimeWait,    Syn,              Rfc5961Off,  Closed,      &[ReplyRst, TellReset, DeleteTcb], "3.10.7.4 fourth"),
    rule("time-wait/syn",                         TimeWait,    Syn,              Always,      TimeWait,    &[ChallengeAck], "3.10.7.4 fourth"),
    rule("time-wait/syn-outside-unanswered",       TimeWait,    SynOutside,       SynUnanswered, TimeWait,    &[], "RFC 6191 section 2"),
    rule("time-wait/syn-outside",                 TimeWait,    SynOutside,       Always,      TimeWait,    &[ChallengeAck], "3.10.7.4 first"),
    rule("time-wait/syn-ack-5961-off",            TimeWait,    SynAckUnexpected, Rfc5961Off,  Closed,      &[ReplyRst, TellReset, DeleteTcb], "3.10.7.4 fourth"),
    rule("time-wait/syn-ack",                     TimeWait,    SynAckUnexpected, Always,      TimeWait,    &[ChallengeAck], "3.10.7.4 fourth"),
    rule("time-wait/security",                    TimeWait,    BadSecurity,      Always,      Closed,      &[ReplyRst, TellReset, DeleteTcb], "3.10.7.4 third"),
    rule("time-wait/no-ack",                      TimeWait,    NoAck,            Always,      TimeWait,    &[], "3.10.7.4 fifth"),
    rule("time-wait/ack-duplicate",               TimeWait,    AckDuplicate,     Always,      TimeWait,    &[], "3.10.7.4 fifth"),
    rule("time-wait/ack-stray",                   TimeWait,    AckStray,         Always,      TimeWait,    &[ChallengeAck], "none"),
    rule("time-wait/ack-too-old",                 TimeWait,    AckTooOld,        Always,      TimeWait,    &[ChallengeAck], "3.10.7.4 fifth"),
    rule("time-wait/ack-future",                  TimeWait,    AckFuture,        Always,      TimeWait,    &[ChallengeAck], "3.10.7.4 fifth"),
    rule("time-wait/urgent",                       TimeWait,    Urgent,           Always,      TimeWait,    &[], "3.10.7.4 sixth"),
    rule("time-wait/fin-again",                   TimeWait,    FinAgain,         Always,      TimeWait,    &[SendAck, StartTimeWait], "3.10.7.4 eighth"),
    rule("time-wait/user-timeout",                TimeWait,    UserTimeout,      Always,      Closed,      &[TellTimeout, DeleteTcb], "3.10.8"),
    rule("time-wait/2msl",                        TimeWait,    TwoMsl,           Always,      Closed,      &[DeleteTcb], "3.10.8"),
    rule("time-wait/icmp-hard",                   TimeWait,    IcmpHard,         Always,      TimeWait,    &[], "3.9.2.2"),
    rule("time-wait/icmp-soft",                   TimeWait,    IcmpSoft,         Always,      TimeWait,    &[], "3.9.2.2"),
    rule("time-wait/evicted",                     TimeWait,    Evict,            Always,      Closed,      &[DeleteTcb], "none"),
];

/// The rows of one state and event, which stand together.
#[derive(Clone, Copy)]
struct Cell {
    rows: &'static [Rule],
    /// Where the first of them stands.
    id: RuleId,
}

/// Rows in force, with an index by state and event.
///
/// There is one, [`TABLE`], of [`RULES`]. Another can be put into a [`Profile`](super::Profile), to
/// see what a TCP does that lacks a row or has a wrong one: the stack then breaks as that stack would.
pub struct Table {
    rules: &'static [Rule],
    index: [[Cell; Event::ALL.len()]; State::ALL.len()],
}

/// The table of [`RULES`].
pub static TABLE: Table = Table::new(RULES);

impl Table {
    /// The table of these rows.
    ///
    /// # Panics
    /// If the rows of one state and event do not stand together, or there are 65536 of them.
    pub const fn new(rules: &'static [Rule]) -> Self {
        let mut index = [[Cell { rows: &[], id: 0 }; Event::ALL.len()]; State::ALL.len()];
        assert!(rules.len() < RuleId::MAX as usize, "RuleId is too small");
        let mut i = 0;
        while i < rules.len() {
            let cell = &mut index[rules[i].from as usize][rules[i].on as usize];
            if cell.rows.is_empty() {
                #[expect(clippy::cast_possible_truncation, reason = "asserted above")]
                {
                    cell.id = i as RuleId;
                }
            }
            let first = cell.id as usize;
            assert!(first + cell.rows.len() == i, "rows of one state and event must stand together");
            cell.rows = rules.split_at(i + 1).0.split_at(first).1;
            i += 1;
        }
        Self { rules, index }
    }

    /// Every row, in order.
    pub const fn rules(&self) -> &'static [Rule] {
        self.rules
    }

    /// The row at this position.
    pub(crate) fn rule(&self, id: RuleId) -> &'static Rule {
        &self.rules[usize::from(id)]
    }

    /// The rows for `event` in `state`, in the order in which their guards are asked, and where the first stands.
    #[inline]
    pub(crate) fn rows(&self, state: State, event: Event) -> (RuleId, &'static [Rule]) {
        let Cell { rows, id } = self.index[state as usize][event as usize];
        (id, rows)
    }
}

/// Two tables are the same if they are one: comparing a profile must not compare rows.
impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Table {}

impl std::hash::Hash for Table {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.rules.len().hash(state);
    }
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Table({} rows)", self.rules.len())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::state::Action::*;
    use super::*;

    #[test]
    fn names_are_unique_and_begin_with_their_state() {
        let mut seen = HashSet::new();
        for rule in RULES {
            assert!(seen.insert(rule.name), "{} twice", rule.name);
            let prefix = format!("{}/", rule.from.name().to_lowercase());
            assert!(rule.name.starts_with(&prefix), "{} is a row of {}", rule.name, rule.from);
        }
    }

    #[test]
    fn within_a_cell_only_the_last_row_applies_always() {
        for &state in State::ALL {
            for &event in Event::ALL {
                let (_, rows) = TABLE.rows(state, event);
                for (position, rule) in rows.iter().enumerate() {
                    assert!(rule.from == state && rule.on == event);
                    let last = position + 1 == rows.len();
                    assert!(last || rule.when != Always, "{} hides the rows behind it", rule.name);
                }
            }
        }
    }

    #[test]
    fn closed_is_entered_only_by_rows_that_delete_the_tcb() {
        for rule in RULES.iter().filter(|rule| rule.changes_state()) {
            assert_eq!(rule.to == Closed, rule.does.contains(&DeleteTcb), "{}", rule.name);
            assert_eq!(rule.to == TimeWait, rule.does.contains(&StartTimeWait), "{}", rule.name);
        }
    }
}
