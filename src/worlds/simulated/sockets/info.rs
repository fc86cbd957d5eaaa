//! The numbers of a socket, by the names `struct tcp_info` has for them and in the order it has them.

use std::time::Duration;

use super::constants::System;
use super::states::number;
use super::table::File;
use super::{Sockets, Stop};
use crate::engine::{Info, Instant, State};
use crate::worlds::Errno;
use crate::worlds::stack::{Fd, Unsupported};

/// How many octets a field takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Width {
    Octet,
    Half,
    Word,
    Long,
}

/// A field: its name, its size, and its value, if it is known.
type Field = (&'static str, Width, Option<i64>);

/// Linux says so of a threshold that nothing has set.
const NO_THRESHOLD: i64 = 0x7fff_ffff;

/// `TCPI_OPT_*`.
const TIMESTAMPS: i64 = 1;
const SACK: i64 = 2;
const WSCALE: i64 = 4;
const ECN: i64 = 8;
const ECN_SEEN: i64 = 16;
const SYN_DATA: i64 = 32;

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn count<T: Into<u64>>(number: T) -> i64 {
    i64::try_from(number.into()).unwrap_or(i64::MAX)
}

fn options(info: &Info) -> i64 {
    let bit = |on: bool, bit: i64| if on { bit } else { 0 };
    bit(info.timestamps, TIMESTAMPS)
        | bit(info.sack, SACK)
        | bit(info.window_scale.is_some(), WSCALE)
        | bit(info.ecn, ECN)
        | bit(info.ecn_seen == Some(true), ECN_SEEN)
        | bit(info.syn_data == Some(true), SYN_DATA)
}

/// Linux's fields, in the order of the structure; what is not known is `None`.
fn linux_fields(info: &Info) -> Vec<Field> {
    use Width::{Half, Long, Octet, Word};
    let (snd_wscale, rcv_wscale) = info.window_scale.unwrap_or((0, 0));
    let word = |number: Option<u32>| number.map(count);
    let long = |number: Option<u64>| number.map(count);
    vec![
        ("tcpi_state", Octet, Some(number(info.state, System::Linux))),
        ("tcpi_ca_state", Octet, info.ca_state.map(|state| state.number().into())),
        ("tcpi_retransmits", Octet, Some(info.retransmits.into())),
        ("tcpi_probes", Octet, Some(info.probes.into())),
        ("tcpi_backoff", Octet, Some(info.backoff.into())),
        ("tcpi_options", Octet, Some(options(info))),
        // Four bits each, the one of what arrives first.
        ("tcpi_wscales", Octet, Some(i64::from(snd_wscale & 0xf) | i64::from(rcv_wscale & 0xf) << 4)),
        ("tcpi_flags", Octet, Some(0)),
        ("tcpi_rto", Word, Some(micros(info.rto))),
        ("tcpi_ato", Word, info.ato.map(micros)),
        ("tcpi_snd_mss", Word, Some(count(info.snd_mss))),
        ("tcpi_rcv_mss", Word, word(info.rcv_mss)),
        ("tcpi_unacked", Word, word(info.unacked)),
        ("tcpi_sacked", Word, word(info.sacked)),
        ("tcpi_lost", Word, word(info.lost)),
        ("tcpi_retrans", Word, word(info.retrans)),
        ("tcpi_fackets", Word, word(info.fackets)),
        ("tcpi_last_data_sent", Word, info.last_data_sent.map(millis)),
        ("tcpi_last_ack_sent", Word, info.last_ack_sent.map(millis)),
        ("tcpi_last_data_recv", Word, info.last_data_recv.map(millis)),
        ("tcpi_last_ack_recv", Word, info.last_ack_recv.map(millis)),
        ("tcpi_pmtu", Word, word(info.pmtu)),
        ("tcpi_rcv_ssthresh", Word, word(info.rcv_ssthresh)),
        ("tcpi_rtt", Word, info.rtt.map(micros)),
        ("tcpi_rttvar", Word, info.rttvar.map(micros)),
        ("tcpi_snd_ssthresh", Word, info.snd_ssthresh.map(|segments| count(segments).min(NO_THRESHOLD))),
        ("tcpi_snd_cwnd", Word, word(info.snd_cwnd)),
        ("tcpi_advmss", Word, Some(count(info.advmss))),
        ("tcpi_reordering", Word, word(info.reordering)),
        ("tcpi_rcv_rtt", Word, info.rcv_rtt.map(micros)),
        ("tcpi_rcv_space", Word, word(info.rcv_space)),
        ("tcpi_total_retrans", Word, word(info.total_retrans)),
        ("tcpi_pacing_rate", Long, long(info.pacing_rate)),
        ("tcpi_max_pacing_rate", Long, long(info.max_pacing_rate)),
        ("tcpi_bytes_acked", Long, Some(count(info.bytes_acked))),
        ("tcpi_bytes_received", Long, Some(count(info.bytes_received))),
        ("tcpi_segs_out", Word, word(info.segs_out)),
        ("tcpi_segs_in", Word, word(info.segs_in)),
        ("tcpi_notsent_bytes", Word, Some(count(info.notsent_bytes))),
        ("tcpi_min_rtt", Word, info.min_rtt.map(micros)),
        ("tcpi_data_segs_in", Word, word(info.data_segs_in)),
        ("tcpi_data_segs_out", Word, word(info.data_segs_out)),
        ("tcpi_delivery_rate", Long, long(info.delivery_rate)),
        ("tcpi_busy_time", Long, info.busy_time.map(micros)),
        ("tcpi_rwnd_limited", Long, info.rwnd_limited.map(micros)),
        ("tcpi_sndbuf_limited", Long, info.sndbuf_limited.map(micros)),
        ("tcpi_delivered", Word, word(info.delivered)),
        ("tcpi_delivered_ce", Word, word(info.delivered_ce)),
        ("tcpi_bytes_sent", Long, long(info.bytes_sent)),
        ("tcpi_bytes_retrans", Long, long(info.bytes_retrans)),
        ("tcpi_dsack_dups", Word, word(info.dsack_dups)),
        ("tcpi_reord_seen", Word, word(info.reord_seen)),
        ("tcpi_rcv_ooopack", Word, word(info.rcv_ooopack)),
        ("tcpi_snd_wnd", Word, Some(count(info.snd_wnd))),
        ("tcpi_rcv_wnd", Word, Some(count(info.rcv_wnd))),
        ("tcpi_rehash", Word, None),
        ("tcpi_total_rto", Half, word(info.total_rto)),
        ("tcpi_total_rto_recoveries", Half, word(info.total_rto_recoveries)),
        ("tcpi_total_rto_time", Word, info.total_rto_time.map(millis)),
    ]
}

/// The accurate ECN of RFC 9768 has a bit of its own there (`TCPI_OPT_ACE`).
fn freebsd_options(info: &Info) -> i64 {
    const ACE: i64 = 64;
    let known = options(info) & (TIMESTAMPS | SACK | WSCALE | ECN);
    if info.ecn_accurate { known & !ECN | ACE } else { known }
}

/// FreeBSD's fields; it counts windows in octets.
fn freebsd_fields(info: &Info) -> Vec<Field> {
    use Width::{Octet, Word};
    let (snd_wscale, rcv_wscale) = info.window_scale.unwrap_or((0, 0));
    vec![
        ("tcpi_state", Octet, Some(number(info.state, System::FreeBsd))),
        ("tcpi_options", Octet, Some(freebsd_options(info))),
        ("tcpi_snd_wscale", Octet, Some(snd_wscale.into())),
        ("tcpi_rcv_wscale", Octet, Some(rcv_wscale.into())),
        ("tcpi_rto", Word, Some(micros(info.rto))),
        ("tcpi_snd_mss", Word, Some(count(info.snd_mss))),
        // Both are `t_maxseg`.
        ("tcpi_rcv_mss", Word, Some(count(info.snd_mss))),
        ("tcpi_last_data_recv", Word, info.last_data_recv.map(micros)),
        ("tcpi_rtt", Word, info.rtt.map(micros)),
        ("tcpi_rttvar", Word, info.rttvar.map(micros)),
        ("tcpi_snd_ssthresh", Word, info.snd_ssthresh_octets.map(count)),
        ("tcpi_snd_cwnd", Word, info.snd_cwnd_octets.map(count)),
        ("tcpi_rcv_space", Word, Some(count(info.rcv_wnd))),
        ("tcpi_snd_wnd", Word, Some(count(info.snd_wnd))),
        ("tcpi_snd_rexmitpack", Word, info.total_retrans.map(count)),
        ("tcpi_rcv_ooopack", Word, info.rcv_ooopack.map(count)),
    ]
}

impl Sockets {
    pub(super) fn info_of(&mut self, now: Instant, fd: Fd) -> Result<Vec<(&'static str, i64)>, Unsupported> {
        let fields = match self.fields(now, fd) {
            Ok(fields) => fields,
            Err(Stop::Errno(errno)) => return Err(Unsupported(format!("TCP_INFO of descriptor {fd}, which is {errno}"))),
            Err(Stop::Wait) => return Err(Unsupported("TCP_INFO that waits".to_owned())),
            Err(Stop::Unsupported(what)) => return Err(Unsupported(what)),
        };
        let mut list: Vec<(&'static str, i64)> = fields.into_iter().filter_map(|(name, _, value)| Some((name, value?))).collect();
        if self.system == System::Linux {
            if let Some((_, scales)) = list.iter().find(|(name, _)| *name == "tcpi_wscales").copied() {
                list.extend([("tcpi_snd_wscale", scales & 0xf), ("tcpi_rcv_wscale", scales >> 4)]);
            }
            if let Ok(memory) = self.memory_of(fd) {
                let names = ["rmem_alloc", "rcvbuf", "wmem_alloc", "sndbuf", "fwd_alloc", "wmem_queued", "optmem", "backlog", "drops"];
                let known = names.into_iter().zip(memory).filter(|(name, _)| matches!(*name, "rcvbuf" | "sndbuf" | "backlog" | "drops"));
                list.extend(known.map(|(name, value)| (memory_name(name), value)));
            }
        }
        Ok(list)
    }

    fn fields(&self, now: Instant, fd: Fd) -> Result<Vec<Field>, Stop> {
        let stream = self.stream(fd)?;
        let mut info = self.host.info(stream.id, now)?;
        if info.pmtu.is_none() && info.state != State::Closed && info.state != State::Listen {
            info.pmtu = self.host.connection_mtu(stream.id, now).ok().map(u32::from);
        }
        if self.system == System::FreeBsd {
            info.snd_mss = self.host.max_segment(stream.id)?.into();
        }
        if self.system == System::Linux {
            info.sndbuf_limited = Some(stream.memory.starved(now));
            info.last_ack_sent = Some(Duration::ZERO);
            // Nothing is paced, and nothing bounds at which rate.
            info.max_pacing_rate = Some(u64::MAX);
            info.pacing_rate = info.pacing_rate.or(Some(u64::MAX));
        }
        if info.state == State::Listen {
            // Of a listener they say how many wait for accept, and how many may.
            let glance = self.host.glance(stream.id)?;
            info.unacked = u32::try_from(glance.waiting).ok();
            info.sacked = Some(glance.places.into());
        }
        Ok(match self.system {
            System::Linux => linux_fields(&info),
            System::FreeBsd => freebsd_fields(&info),
        })
    }

    /// `struct tcp_info` in memory.
    pub(super) fn info_octets(&self, now: Instant, fd: Fd) -> Result<Vec<u8>, Stop> {
        if self.system == System::FreeBsd {
            return Err(Stop::Unsupported("the octets of FreeBSD's TCP_INFO".to_owned()));
        }
        let mut octets = Vec::new();
        for (_, width, value) in self.fields(now, fd)? {
            let size = match width {
                Width::Octet => 1,
                Width::Half => 2,
                Width::Word => 4,
                Width::Long => 8,
            };
            octets.resize(octets.len().next_multiple_of(size), 0);
            let value = value.unwrap_or(0).to_le_bytes();
            let field = &value[..size];
            if cfg!(target_endian = "big") { octets.extend(field.iter().rev()) } else { octets.extend(field) }
        }
        Ok(octets)
    }

    /// `SO_MEMINFO`: nine numbers, of which the sizes of the buffers are known.
    pub(super) fn memory_of(&self, fd: Fd) -> Result<[i64; 9], Stop> {
        let File::Stream(stream) = self.file(fd)? else { return Err(Errno::NotSupported.into()) };
        let choices = &stream.choices;
        let profile = self.host.profile_of(stream.id)?;
        let grown = self.host.receive_memory(stream.id)?.map(i64::from);
        let receive = choices.set_number("SO_RCVBUF").or(grown).unwrap_or_else(|| i64::from(profile.receive_buffer) * 2);
        let send = choices.set_number("SO_SNDBUF").unwrap_or_else(|| i64::from(profile.send_buffer));
        Ok([0, receive, 0, send, 0, 0, 0, 0, 0])
    }
}

fn memory_name(name: &'static str) -> &'static str {
    match name {
        "rcvbuf" => "sk_meminfo_rcvbuf",
        "sndbuf" => "sk_meminfo_sndbuf",
        "backlog" => "sk_meminfo_backlog",
        _ => "sk_meminfo_drops",
    }
}
