//! The words the rule table is written in, and their spelling.

use std::fmt;

use super::time::Timer;

/// Declares an enum whose variants all have a fixed spelling, listed in `ALL`.
macro_rules! words {
    ($(#[$outer:meta])* $name:ident { $($(#[doc = $about:literal])+ $variant:ident = $text:literal,)+ }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[repr(u8)]
        pub enum $name { $($(#[doc = $about])+ $variant,)+ }

        impl $name {
            /// Every variant, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The spelling used wherever a person reads it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// What it means, in a sentence or a few.
            pub const fn about(self) -> &'static str {
                match self { $(Self::$variant => concat!($($about),+).trim_ascii(),)+ }
            }

            /// The variant spelled like this, in any case.
            pub fn named(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.name().eq_ignore_ascii_case(text))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }
    };
}

words! {
    /// The eleven states of RFC 9293 section 3.3.2, and no others.
    State {
        /// No connection state at all: the state before the OPEN and after the end. Whatever
        /// arrives is answered as a stranger, by RST, so that the other side finds out (RFC 9293 section 3.10.7.1).
        Closed = "CLOSED",
        /// Waiting for a connection request from any remote TCP and port. Nothing is known of the peer
        /// yet, so an ACK cannot be meant for us and draws a RST, and a RST has nothing it could refer to.
        Listen = "LISTEN",
        /// Waiting for a matching connection request after having sent one. Only SEG.ACK can be judged: it
        /// must acknowledge our SYN. That tells an old duplicate from an answer (RFC 9293 section 3.5).
        SynSent = "SYN-SENT",
        /// Waiting for the confirming acknowledgment after having both received and sent a request. Until it
        /// comes the request may have been an old duplicate or forged, so the user is not told yet (RFC 9293 section 3.5).
        SynReceived = "SYN-RECEIVED",
        /// An open connection; text received can be delivered to the user. Both sides have heard their own
        /// number acknowledged: this is what the third segment is for (RFC 9293 section 3.4.1).
        Established = "ESTABLISHED",
        /// Waiting for the peer's FIN, or for the acknowledgment of ours. This side sends no more and still
        /// receives: CLOSE ends one direction only (RFC 9293 section 3.6).
        FinWait1 = "FIN-WAIT-1",
        /// Waiting for the peer's FIN; ours is acknowledged. It may take for ever, as the peer may go on
        /// sending; RFC 9293 has no timer here, stacks have one for connections that nobody holds.
        FinWait2 = "FIN-WAIT-2",
        /// Waiting for the user's CLOSE; the peer has sent its FIN. Only the application can end this state:
        /// sockets that pile up in it belong to a program that does not close them (RFC 9293 section 3.6).
        CloseWait = "CLOSE-WAIT",
        /// Waiting for the acknowledgment of our FIN; the peer's has arrived. The two FINs crossed, so each side
        /// waits for the other and both will keep TIME-WAIT (RFC 9293 section 3.6, figure 13).
        Closing = "CLOSING",
        /// Waiting for the acknowledgment of our FIN, the last thing that is missing. The peer closed first, so the
        /// TIME-WAIT is its part; this side is gone with that acknowledgment (RFC 9293 section 3.6).
        LastAck = "LAST-ACK",
        /// Waiting long enough to be sure the peer got the acknowledgment of its FIN. If that is lost the FIN comes again,
        /// and somebody must be there to acknowledge it; and what is still on its way must have died before the same pair
        /// of sockets is used anew. Who closes first pays for both with 2 MSL (RFC 9293 sections 3.4.1 and 3.6.1).
        TimeWait = "TIME-WAIT",
    }
}

impl State {
    /// Whether both sides have synchronized their numbers: ESTABLISHED and all that follow.
    pub const fn is_synchronized(self) -> bool {
        !matches!(self, Self::Closed | Self::Listen | Self::SynSent | Self::SynReceived)
    }

    /// Whether a handshake is under way: SYN-SENT and SYN-RECEIVED.
    pub const fn is_opening(self) -> bool {
        matches!(self, Self::SynSent | Self::SynReceived)
    }

    /// Whether the peer's SYN has been heard, so that IRS and RCV.NXT mean something: SYN-RECEIVED and all that follow.
    pub const fn knows_peer(self) -> bool {
        !matches!(self, Self::Closed | Self::Listen | Self::SynSent)
    }

    /// Whether text that arrives is still taken (RFC 9293 section 3.10.7.4, seventh).
    pub const fn takes_text(self) -> bool {
        matches!(self, Self::Established | Self::FinWait1 | Self::FinWait2)
    }

    /// Whether queued text and FIN may leave in this state, new or again.
    pub const fn may_transmit(self) -> bool {
        matches!(self, Self::Established | Self::CloseWait | Self::FinWait1 | Self::Closing | Self::LastAck)
    }
}

words! {
    /// What happens to a connection. One segment is several of these, in the order of section 3.10.7.4.
    Event {
        /// Passive OPEN.
        OpenPassive = "call-OPEN-passive",
        /// Active OPEN with the remote socket specified.
        OpenActive = "call-OPEN-active",
        /// Active OPEN without a remote socket.
        OpenUnspecified = "call-OPEN-active-unspecified",
        /// SEND.
        Send = "call-SEND",
        /// RECEIVE.
        Receive = "call-RECEIVE",
        /// CLOSE.
        Close = "call-CLOSE",
        /// ABORT.
        Abort = "call-ABORT",
        /// STATUS.
        Status = "call-STATUS",
        /// SEG.TSval is older than TS.Recent, no RST: protection against wrapped sequence numbers (RFC 7323 section 5.3).
        Paws = "seg-PAWS",
        /// No timestamps, though both sides use them, neither SYN nor RST (RFC 7323 section 3.2).
        NoTimestamps = "seg-no-timestamps",
        /// SYN that reopens a connection in TIME-WAIT: newer than all of it, and a listener stands behind (RFC 6191).
        SynNewer = "seg-SYN-newer",
        /// First check: SEG.SEQ fails the acceptability test, no RST.
        Unacceptable = "seg-unacceptable",
        /// RST with SEG.SEQ outside the window; in SYN-SENT one that does not acknowledge our SYN.
        RstOutside = "seg-RST-outside",
        /// RST at exactly RCV.NXT; in SYN-SENT one that acknowledges our SYN.
        RstExact = "seg-RST-exact",
        /// RST inside the window but not at RCV.NXT.
        RstInWindow = "seg-RST-inwindow",
        /// SYN without ACK; where there is a window, inside it.
        Syn = "seg-SYN-inwindow",
        /// SYN in LISTEN with a fast open cookie of ours (RFC 7413).
        FastOpen = "seg-SYN-fast-open",
        /// SYN with FIN, where the profile drops those.
        SynWithFin = "seg-SYN-FIN-dropped",
        /// The peer's SYN or SYN,ACK once more, with another form of ECN than the first (RFC 9768 section 3.1.5).
        EcnMixed = "seg-SYN-ECN-mixed",
        /// SYN whose SEG.SEQ is outside the window.
        SynOutside = "seg-SYN-outside",
        /// In SYN-RECEIVED the very SYN that led there, at SEG.SEQ = IRS.
        SynAgain = "seg-SYN-again",
        /// SYN,ACK that acknowledges our SYN (in SYN-RECEIVED: at SEG.SEQ = IRS, figure 7).
        SynAck = "seg-SYN-ACK-acceptable",
        /// SYN,ACK inside the window of a connection that expects none, or in LISTEN.
        SynAckUnexpected = "seg-SYN-ACK-unacceptable",
        /// The packet's security label or compartment is not the connection's (RFC 9293 appendix A.1).
        BadSecurity = "seg-bad-security",
        /// A segment without ACK, RST and SYN.
        NoAck = "seg-no-ACK",
        /// SND.UNA < SEG.ACK =< SND.NXT, our FIN not covered.
        AckAcceptable = "seg-ACK-acceptable",
        /// SEG.ACK covers our FIN.
        FinAcked = "seg-ACK-of-FIN",
        /// SEG.ACK at or below SND.UNA, by no more than the largest window we have seen.
        AckDuplicate = "seg-ACK-duplicate",
        /// SEG.ACK further below SND.UNA than that (RFC 5961 section 5.2).
        AckTooOld = "seg-ACK-too-old",
        /// SEG.ACK beyond SND.NXT, or one that does not acknowledge the SYN of SYN-SENT or SYN-RECEIVED.
        AckFuture = "seg-ACK-future",
        /// In TIME-WAIT, where the profile answers such: an ACK that is not exactly the one that led there.
        AckStray = "seg-ACK-stray",
        /// An ACK in LISTEN whose number is a SYN cookie of ours (RFC 4987 section 3.6).
        CookieAck = "seg-ACK-of-cookie",
        /// URG with a pointer beyond any before, and beyond what the user has read.
        Urgent = "seg-URG",
        /// URG that says nothing new.
        UrgentAgain = "seg-URG-again",
        /// Text at RCV.NXT.
        Text = "seg-data",
        /// Text inside the window, beyond RCV.NXT.
        TextOutOfOrder = "seg-data-out-of-order",
        /// FIN in order.
        Fin = "seg-FIN",
        /// FIN inside the window, with something missing before it.
        FinOutOfOrder = "seg-FIN-out-of-order",
        /// The peer's FIN once more, already accounted for.
        FinAgain = "seg-FIN-again",
        /// The FIN queued behind our text leaves.
        FinSent = "FIN-sent",
        /// The user timeout expires.
        UserTimeout = "timeout-user",
        /// The retransmission timer expires, below threshold R2.
        Retransmission = "timeout-rexmt",
        /// The retransmission timer expires, threshold R2 reached.
        RetransmissionR2 = "timeout-rexmt-R2",
        /// An ACK was delayed for as long as the knob allows.
        DelayedAck = "timeout-delayed-ack",
        /// 2 MSL are over.
        TwoMsl = "timeout-2msl",
        /// A connection in FIN-WAIT-2 that its user gave up has waited long enough for the peer's FIN.
        FinWait2Timeout = "timeout-finwait2",
        /// Nothing was heard for the keep-alive interval (RFC 9293 section 3.8.4).
        KeepAlive = "timeout-keepalive",
        /// The last keep-alive probe went unanswered as well.
        KeepAliveDead = "timeout-keepalive-dead",
        /// A hard ICMP error that matches this connection (RFC 9293 section 3.9.2.2).
        IcmpHard = "icmp-hard",
        /// A soft one.
        IcmpSoft = "icmp-soft",
        /// The implementation needs the record's place for another.
        Evict = "delete-TCB",
    }
}

impl Event {
    /// The timer whose expiry this is, if it is one.
    pub const fn timer(self) -> Option<Timer> {
        match self {
            Self::UserTimeout => Some(Timer::User),
            Self::Retransmission | Self::RetransmissionR2 => Some(Timer::Retransmission),
            Self::DelayedAck => Some(Timer::DelayedAck),
            Self::TwoMsl => Some(Timer::TimeWait),
            Self::FinWait2Timeout => Some(Timer::FinWait2),
            Self::KeepAlive | Self::KeepAliveDead => Some(Timer::KeepAlive),
            Self::OpenPassive
            | Self::OpenActive
            | Self::OpenUnspecified
            | Self::Send
            | Self::Receive
            | Self::Close
            | Self::Abort
            | Self::Status
            | Self::Paws
            | Self::NoTimestamps
            | Self::SynNewer
            | Self::Unacceptable
            | Self::RstOutside
            | Self::RstExact
            | Self::RstInWindow
            | Self::Syn
            | Self::SynWithFin
            | Self::SynOutside
            | Self::SynAgain
            | Self::EcnMixed
            | Self::SynAck
            | Self::SynAckUnexpected
            | Self::BadSecurity
            | Self::NoAck
            | Self::AckAcceptable
            | Self::FinAcked
            | Self::AckDuplicate
            | Self::AckTooOld
            | Self::AckFuture
            | Self::AckStray
            | Self::CookieAck
            | Self::Urgent
            | Self::UrgentAgain
            | Self::Text
            | Self::TextOutOfOrder
            | Self::Fin
            | Self::FinOutOfOrder
            | Self::FinAgain
            | Self::FinSent
            | Self::IcmpHard
            | Self::IcmpSoft
            | Self::Evict
            | Self::FastOpen => None,
        }
    }
}

words! {
    /// When a row applies, beyond state and event.
    Guard {
        /// Whenever state and event match.
        Always = "always",
        /// The connection began with a passive OPEN.
        Passive = "passive origin",
        /// The connection began with an active OPEN.
        Active = "active origin",
        /// CLOSE was called earlier and waits for the handshake.
        CloseQueued = "a CLOSE is queued",
        /// Text was given to SEND and has not left yet.
        TextQueued = "text is queued",
        /// The application closed, text is unread, and the profile closes half-duplex (MAY-1).
        UnreadText = "half-duplex close, text unread",
        /// The profile's sequence check refuses the SYN,ACK of a simultaneous open, as section 3.10.7.4 says literally.
        Literal = "literal sequence check",
        /// The application closed both directions, and the profile closes half-duplex (MAY-1).
        NoReader = "half-duplex close, nobody reads",
        /// SEND in LISTEN named the remote socket.
        PeerKnown = "remote socket specified",
        /// The user has called CLOSE already.
        CloseCalled = "CLOSE was called",
        /// The SYN,ACK has not left and takes text and FIN along.
        SynAckWaits = "the SYN,ACK waits for text",
        /// The text of the SYN was delivered already (RFC 7413).
        OpenEarly = "opened fast",
        /// The send buffer is full.
        NoRoom = "no room in the send buffer",
        /// Text that begins before the peer's FIN and ends behind it resets.
        BehindFin = "text behind a FIN resets",
        /// Nothing that arrived is still unread.
        NothingUnread = "nothing left to read",
        /// The checks of RFC 5961 are switched off.
        Rfc5961Off = "RFC 5961 off",
        /// RFC 1337's protection of TIME-WAIT is switched on.
        Rfc1337 = "RFC 1337 on",
        /// Who sends a RST keeps its state for 2 MSL (the advice of section 3.5.2).
        ResetKeepsState = "reset keeps state",
        /// Hard ICMP errors are taken for soft ones in synchronized states (RFC 5461).
        HardIsSoft = "hard errors are soft",
        /// Soft ICMP errors end a connection that is not open yet.
        SoftRefuses = "soft errors refuse",
        /// The connection replaced one in TIME-WAIT.
        Reopened = "reopened from TIME-WAIT",
        /// A SYN in TIME-WAIT that does not reopen it is not answered, as RFC 6191 says.
        SynUnanswered = "SYN in TIME-WAIT unanswered",
        /// The connection began with a passive OPEN, and a SYN that comes again is answered by the SYN,ACK again.
        RepeatsSynAck = "passive origin, SYN,ACK sent again",
        /// The connection began with a passive OPEN, and a SYN or SYN,ACK inside its window resets it.
        SynResetsRequest = "passive origin, SYN resets",
        /// The ACK of a FIN that crossed ours takes ours along again.
        RepeatsFin = "FIN sent again",
        /// A SYN,ACK in LISTEN is not answered.
        SynAckIgnored = "SYN,ACK in LISTEN ignored",
        /// The connection began with a passive OPEN, and is an entry of a SYN cache.
        SynCached = "passive origin, SYN cache",
        /// A peer that acknowledges nothing for too long is told by RST.
        TimeoutReset = "silent peers are reset",
        /// ABORT sends RST although both sides have closed.
        AbortResets = "ABORT always resets",
        /// A RST is told the user after both sides have closed, too.
        ResetTold = "late resets are told",
        /// Nobody holds the connection, and it does not wait for the peer's FIN.
        Forsaken = "forsaken",
        /// A peer that answers no keep-alive probe is told by RST.
        DeadPeerReset = "dead peers are reset",
    }
}

words! {
    /// What a row does to the TCB, and what it asks to be sent.
    Action {
        /// Choose `iss`, set `snd.una = iss`, `snd.nxt = iss+1`; the SYN goes out.
        SendSyn = "send SYN",
        /// The same for the answer to a SYN; in SYN-SENT the SYN is repeated at `iss`.
        SendSynAck = "send SYN,ACK",
        /// Take `irs` and `rcv.nxt` from the SYN, and what it offers.
        RecordSyn = "record SYN",
        /// The incarnation in TIME-WAIT is the connection again.
        RestorePrevious = "restore previous incarnation",
        /// `snd.una = SEG.ACK`; forget what is acknowledged.
        TakeAck = "take ACK",
        /// `snd.wnd`, `snd.wl1`, `snd.wl2`, if the segment is newer.
        TakeWindow = "take window",
        /// The initial send window.
        InitWindow = "initialize window",
        /// `rcv.up = SEG.SEQ+SEG.UP`.
        TakeUrgent = "take urgent pointer",
        /// `rcv.nxt` over the text that is in order.
        TakeText = "take text",
        /// Keep text for later: something before it is missing.
        HoldText = "hold text",
        /// Keep the FIN for later.
        HoldFin = "hold FIN",
        /// Keep text and FIN of a SYN until ESTABLISHED, if the profile does.
        HoldBehindSyn = "hold text and FIN of SYN",
        /// `rcv.nxt` over the FIN.
        TakeFin = "take FIN",
        /// An ACK, at once.
        SendAck = "send ACK",
        /// An ACK, delayed if the knob allows.
        ScheduleAck = "schedule ACK",
        /// An ACK for the SYN,ACK of a crossed open, if the profile sends one.
        AckCrossedSyn = "acknowledge crossed SYN,ACK",
        /// A challenge ACK (RFC 5961).
        ChallengeAck = "challenge ACK",
        /// The FIN, behind all queued text.
        QueueFin = "queue FIN",
        /// Remember the CLOSE until the handshake is done.
        QueueClose = "queue CLOSE",
        /// `<SEQ=SND.NXT><CTL=RST>`.
        SendRst = "send RST",
        /// The reset that answers this very segment (section 3.5.2).
        ReplyRst = "reset the segment",
        /// The front of the retransmission queue again; the timer backs off.
        Retransmit = "retransmit",
        /// Start or restart the 2 MSL timer; stop the others.
        StartTimeWait = "start 2 MSL",
        /// Back to LISTEN: the remote socket is unspecified again.
        ForgetPeer = "forget peer",
        /// An ACK, at once, with our FIN once more if it has left and is not acknowledged.
        SendAckWithFin = "send ACK with FIN again",
        /// The SYN,ACK once more, because the peer has not heard it; its timer starts again.
        RepeatSynAck = "send SYN,ACK again",
        /// All queues and timers go.
        DeleteTcb = "delete TCB",
        /// The TCB from a segment that carries a cookie of ours.
        RebuildTcb = "rebuild TCB from cookie",
        /// Start the timer of a connection in FIN-WAIT-2 whose user has given it up.
        StartOrphan = "start orphan timer",
        /// A keep-alive probe: `<SEQ=SND.NXT-1><ACK=RCV.NXT><CTL=ACK>`.
        ProbePeer = "probe peer",
        /// The call fails: there is no TCB.
        RefuseMissing = "refuse: connection does not exist",
        /// The call fails: there is a TCB.
        RefuseExists = "refuse: connection already exists",
        /// The call fails: whom it is for is not known.
        RefuseUnspecified = "refuse: remote socket unspecified",
        /// The call fails: CLOSE came before it, or the peer's FIN and nothing is left.
        RefuseClosing = "refuse: connection closing",
        /// The call fails: no room.
        RefuseFull = "refuse: insufficient resources",
        /// Tell the user: the connection is open.
        TellOpen = "signal open",
        /// Tell the user: the peer has sent its FIN.
        TellClosing = "signal closing",
        /// Tell the user: urgent data is on its way.
        TellUrgent = "signal urgent",
        /// Tell the user: reset.
        TellReset = "signal reset",
        /// Tell the user: refused.
        TellRefused = "signal refused",
        /// Tell the user: no answer for too long.
        TellTimeout = "signal timeout",
        /// Tell the user: the CLOSE is complete.
        TellClosed = "signal closed",
        /// Tell the user: the network says that the peer cannot be reached.
        TellUnreachable = "signal unreachable",
        /// Tell the user: the network reports trouble that may pass.
        TellSoftError = "signal soft error",
        /// Outstanding calls fail, for the user closes.
        FailCallsClosing = "outstanding calls: closing",
        /// Outstanding calls fail, for the user aborts.
        FailCallsReset = "outstanding calls: reset",
    }
}

words! {
    /// What the connection tells its user (RFC 9293 section 3.9.1).
    Signal {
        /// The handshake is complete.
        Open = "connection opened",
        /// The peer will send no more.
        Closing = "connection closing",
        /// The connection was reset by the peer.
        Reset = "connection reset",
        /// An active OPEN was refused.
        Refused = "connection refused",
        /// The connection was given up: R2 or the user timeout.
        Timeout = "connection aborted due to timeout",
        /// The CLOSE is complete.
        Closed = "connection closed",
        /// A hard ICMP error ended it (SHLD-26).
        Unreachable = "destination unreachable",
        /// A soft ICMP error was reported (MUST-47).
        SoftError = "soft error reported",
        /// The peer has not answered R1 retransmissions (SHLD-9).
        Unresponsive = "peer does not answer",
        /// The peer has urgent data, or more of it (MUST-32).
        Urgent = "urgent data",
        /// What calls that were waiting return: the user closed.
        CallsClosing = "outstanding calls: closing",
        /// What calls that were waiting return: the user aborted.
        CallsReset = "outstanding calls: connection reset",
    }
}

words! {
    /// Why a call is refused, in the words of RFC 9293 section 3.10.
    Refusal {
        /// No TCB: the call needs an OPEN first.
        Missing = "connection does not exist",
        /// OPEN of a connection that is open.
        Exists = "connection already exists",
        /// Nobody said to whom.
        Unspecified = "remote socket unspecified",
        /// This side has closed; or the peer has, and everything is read.
        Closing = "connection closing",
        /// There is no room.
        Full = "insufficient resources",
    }
}

impl Action {
    /// Why the call fails, for the actions that refuse one.
    pub const fn refusal(self) -> Option<Refusal> {
        match self {
            Self::RefuseMissing => Some(Refusal::Missing),
            Self::RefuseExists => Some(Refusal::Exists),
            Self::RefuseUnspecified => Some(Refusal::Unspecified),
            Self::RefuseClosing => Some(Refusal::Closing),
            Self::RefuseFull => Some(Refusal::Full),
            Self::SendSyn
            | Self::SendSynAck
            | Self::RecordSyn
            | Self::RestorePrevious
            | Self::TakeAck
            | Self::TakeWindow
            | Self::InitWindow
            | Self::TakeUrgent
            | Self::TakeText
            | Self::HoldText
            | Self::HoldFin
            | Self::HoldBehindSyn
            | Self::TakeFin
            | Self::SendAck
            | Self::ScheduleAck
            | Self::AckCrossedSyn
            | Self::ChallengeAck
            | Self::QueueFin
            | Self::QueueClose
            | Self::SendRst
            | Self::ReplyRst
            | Self::Retransmit
            | Self::StartTimeWait
            | Self::ForgetPeer
            | Self::RepeatSynAck
            | Self::SendAckWithFin
            | Self::DeleteTcb
            | Self::RebuildTcb
            | Self::StartOrphan
            | Self::ProbePeer
            | Self::TellOpen
            | Self::TellClosing
            | Self::TellUrgent
            | Self::TellReset
            | Self::TellRefused
            | Self::TellTimeout
            | Self::TellClosed
            | Self::TellUnreachable
            | Self::TellSoftError
            | Self::FailCallsClosing
            | Self::FailCallsReset => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_eleven_states_spelled_as_the_rfc_does() {
        assert_eq!(State::ALL.len(), 11);
        for state in State::ALL {
            assert_eq!(State::named(state.name()), Some(*state));
            assert_eq!(state.name(), state.name().to_uppercase());
        }
    }
}
