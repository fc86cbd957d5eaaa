//! `struct tcp_info` by the names of its fields.

/// The numbers of as much of the structure as the kernel filled in; what it does not have is not in the list.
pub(super) fn numbers(octets: &[u8]) -> Vec<(&'static str, i64)> {
    let mut numbers: Vec<_> = FIELDS.iter().filter_map(|(name, at, width)| Some((*name, number(octets, *at, *width)?))).collect();
    if let (Some(scales), Some(more)) = (octets.get(6), octets.get(7)) {
        // Bit-fields, which follow the byte order of the machine.
        let (send, receive, limited, failed) = if cfg!(target_endian = "little") {
            (scales & 15, scales >> 4, more & 1, more >> 1 & 3)
        } else {
            (scales >> 4, scales & 15, more >> 7, more >> 5 & 3)
        };
        numbers.extend([
            ("tcpi_snd_wscale", i64::from(send)),
            ("tcpi_rcv_wscale", i64::from(receive)),
            ("tcpi_delivery_rate_app_limited", i64::from(limited)),
            ("tcpi_fastopen_client_fail", i64::from(failed)),
        ]);
    }
    numbers
}

/// The number of so many octets that stands there.
fn number(octets: &[u8], at: usize, width: usize) -> Option<i64> {
    let field = octets.get(at..at + width)?;
    Some(match *field {
        [a] => i64::from(a),
        [a, b] => i64::from(u16::from_ne_bytes([a, b])),
        [a, b, c, d] => i64::from(u32::from_ne_bytes([a, b, c, d])),
        [a, b, c, d, e, f, g, h] => i64::try_from(u64::from_ne_bytes([a, b, c, d, e, f, g, h])).unwrap_or(i64::MAX),
        _ => return None,
    })
}

/// Names, offsets and sizes, from `linux/tcp.h`; the structure only ever grows at its end.
#[rustfmt::skip]
const FIELDS: &[(&str, usize, usize)] = &[
    ("tcpi_state", 0, 1), ("tcpi_ca_state", 1, 1), ("tcpi_retransmits", 2, 1), ("tcpi_probes", 3, 1),
    ("tcpi_backoff", 4, 1), ("tcpi_options", 5, 1),
    ("tcpi_rto", 8, 4), ("tcpi_ato", 12, 4), ("tcpi_snd_mss", 16, 4), ("tcpi_rcv_mss", 20, 4),
    ("tcpi_unacked", 24, 4), ("tcpi_sacked", 28, 4), ("tcpi_lost", 32, 4), ("tcpi_retrans", 36, 4),
    ("tcpi_fackets", 40, 4), ("tcpi_last_data_sent", 44, 4), ("tcpi_last_ack_sent", 48, 4),
    ("tcpi_last_data_recv", 52, 4), ("tcpi_last_ack_recv", 56, 4), ("tcpi_pmtu", 60, 4),
    ("tcpi_rcv_ssthresh", 64, 4), ("tcpi_rtt", 68, 4), ("tcpi_rttvar", 72, 4), ("tcpi_snd_ssthresh", 76, 4),
    ("tcpi_snd_cwnd", 80, 4), ("tcpi_advmss", 84, 4), ("tcpi_reordering", 88, 4), ("tcpi_rcv_rtt", 92, 4),
    ("tcpi_rcv_space", 96, 4), ("tcpi_total_retrans", 100, 4),
    ("tcpi_pacing_rate", 104, 8), ("tcpi_max_pacing_rate", 112, 8), ("tcpi_bytes_acked", 120, 8),
    ("tcpi_bytes_received", 128, 8), ("tcpi_segs_out", 136, 4), ("tcpi_segs_in", 140, 4),
    ("tcpi_notsent_bytes", 144, 4), ("tcpi_min_rtt", 148, 4), ("tcpi_data_segs_in", 152, 4),
    ("tcpi_data_segs_out", 156, 4), ("tcpi_delivery_rate", 160, 8), ("tcpi_busy_time", 168, 8),
    ("tcpi_rwnd_limited", 176, 8), ("tcpi_sndbuf_limited", 184, 8), ("tcpi_delivered", 192, 4),
    ("tcpi_delivered_ce", 196, 4), ("tcpi_bytes_sent", 200, 8), ("tcpi_bytes_retrans", 208, 8),
    ("tcpi_dsack_dups", 216, 4), ("tcpi_reord_seen", 220, 4), ("tcpi_rcv_ooopack", 224, 4),
    ("tcpi_snd_wnd", 228, 4), ("tcpi_rcv_wnd", 232, 4), ("tcpi_rehash", 236, 4), ("tcpi_total_rto", 240, 2),
    ("tcpi_total_rto_recoveries", 242, 2), ("tcpi_total_rto_time", 244, 4), ("tcpi_received_ce", 248, 4),
    ("tcpi_delivered_e1_bytes", 252, 4), ("tcpi_delivered_e0_bytes", 256, 4), ("tcpi_delivered_ce_bytes", 260, 4),
    ("tcpi_received_e1_bytes", 264, 4), ("tcpi_received_e0_bytes", 268, 4), ("tcpi_received_ce_bytes", 272, 4),
    ("tcpi_accecn_fail_mode", 276, 2), ("tcpi_accecn_opt_seen", 278, 2),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_neither_overlap_nor_leave_gaps() {
        let mut next = 0;
        for (name, at, width) in FIELDS {
            let gap = if *at == 8 { 2 } else { 0 };
            assert_eq!(next + gap, *at, "{name}");
            next = at + width;
        }
    }

    #[test]
    fn what_the_kernel_left_out_is_not_there() {
        let mut octets = vec![0; 104];
        octets[6] = 0x87;
        octets[80] = 10;
        let numbers = numbers(&octets);
        let told = |name: &str| numbers.iter().find(|(known, _)| *known == name).map(|(_, number)| *number);
        if cfg!(target_endian = "little") {
            assert_eq!((told("tcpi_snd_cwnd"), told("tcpi_snd_wscale"), told("tcpi_rcv_wscale")), (Some(10), Some(7), Some(8)));
        }
        assert_eq!((told("tcpi_total_retrans"), told("tcpi_pacing_rate")), (Some(0), None));
    }
}
