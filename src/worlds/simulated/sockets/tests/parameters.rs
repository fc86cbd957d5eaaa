use super::dialogue::Dialogue;
use crate::engine::{Flags, Instant, Profile};
use crate::worlds::knobs::{EQUIVALENTS, FREEBSD, LINUX, Told};
use crate::worlds::stack::Stack;

fn set(d: &mut Dialogue, name: &str, value: &str) -> bool {
    d.stack.set_parameter(d.now, name, value).is_ok()
}

#[test]
fn what_the_profile_has_is_taken() {
    let mut d = Dialogue::linux();
    let profile = Profile::linux();
    for row in EQUIVALENTS {
        if let Told::Sysctl { name, show, .. } = row.told {
            assert!(set(&mut d, name, &show(&profile).expect("a default")), "{name}");
        }
    }
    for row in LINUX {
        assert!(set(&mut d, row.name, row.usual), "{}", row.name);
    }
    let queued = d.stack.host().profile().send_buffer;
    assert_eq!(
        d.stack.host().profile(),
        &Profile { counts: true, send_buffer: queued, linear_packets: true, packet_memory_steps: true, ..profile },
        "memory bounds what is written"
    );
    let mut d = Dialogue::freebsd();
    for row in FREEBSD {
        assert!(set(&mut d, row.name, row.usual), "{}", row.name);
    }
    assert_eq!(d.stack.host().profile(), &Profile { counts: true, ..Profile::freebsd() });
}

#[test]
fn a_parameter_holds_for_sockets_that_are_made_later() {
    let mut d = Dialogue::linux();
    let old = d.socket();
    assert!(set(&mut d, "net.ipv4.tcp_keepalive_time", "60"));
    let fresh = d.socket();
    assert_eq!(d.get(fresh, "SOL_TCP", "TCP_KEEPIDLE"), "[60]");
    d.nonblocking(old);
    assert!(set(&mut d, "net.ipv4.tcp_syn_retries", "1"));
    assert!(set(&mut d, "net.ipv4.tcp_syn_linear_timeouts", "0"));
    let fd = d.socket();
    d.nonblocking(fd);
    assert_eq!(d.connect(fd), "-1 EINPROGRESS");
    d.pass(3100);
    assert_eq!(d.get(fd, "SOL_SOCKET", "SO_ERROR"), "[110]");
}

#[test]
fn the_scale_follows_from_tcp_rmem() {
    let mut d = Dialogue::linux();
    for (rmem, scale) in [("4096 131072 33554432", 10), ("4096 540000 15728640", 8), ("4096\t87380\t6291456", 7), ("4096 65536 65536", 7)] {
        assert!(set(&mut d, "net.ipv4.tcp_rmem", rmem));
        assert_eq!(d.stack.host().profile().window_scale.0, Some(scale), "{rmem}");
    }
    // rmem_max is more than that: 4 MiB.
    assert!(set(&mut d, "net.core.rmem_max", "65536"));
    assert_eq!(d.stack.host().profile().window_scale.0, Some(1));
    assert!(set(&mut d, "net.ipv4.tcp_window_scaling", "0"));
    assert_eq!(d.stack.host().profile().window_scale.0, None);
}

#[test]
fn freebsd_scales_by_the_largest_buffer() {
    let mut d = Dialogue::freebsd();
    for (most, scale) in [("2097152", 6), ("73728", 1), ("4294967295", 14)] {
        assert!(set(&mut d, "kern.ipc.maxsockbuf", most));
        assert_eq!(d.stack.host().profile().window_scale.0, Some(scale), "{most}");
    }
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let mut d = Dialogue::linux();
    for (name, value) in [
        ("net.ipv4.tcp_ecn", "9"),
        ("net.ipv4.tcp_app_win", "5"),
        ("net.ipv4.tcp_mtu_probing", "3"),
        ("net.ipv4.tcp_base_mss", "0"),
        ("net.ipv4.tcp_min_snd_mss", "47"),
        ("net.ipv4.tcp_min_snd_mss", "65536"),
        ("net.ipv4.tcp_comp_sack_nr", "256"),
        ("net.ipv4.tcp_pingpong_thresh", "0"),
        ("net.ipv4.tcp_pingpong_thresh", "256"),
        ("net.ipv4.tcp_no_such_thing", "0"),
        ("net.ipv4.tcp_congestion_control", "bbr"),
        ("net.ipv4.tcp_syn_retries", "many"),
        ("net.inet.tcp.msl", "30000"),
    ] {
        let error = d.stack.set_parameter(d.now, name, value).expect_err(name);
        assert_eq!(error.to_string(), format!("unsupported: sysctl {name}={value}"));
    }
}

#[test]
fn what_nobody_can_see_is_ignored() {
    let mut d = Dialogue::linux();
    for (name, value) in [
        ("net.core.netdev_max_backlog", "1000"),
        ("net.ipv4.tcp_mem", "1 2 3"),
        ("net.ipv4.route.flush", "1"),
        ("net.ipv4.tcp_no_metrics_save", "1"),
        ("net/ipv4/tcp_autocorking", "0"),
        ("net.ipv4.conf.all.rp_filter", "0"),
    ] {
        assert!(set(&mut d, name, value), "{name}");
    }
}

#[test]
fn a_fast_open_cookie_is_that_of_linux() {
    // Known from Linux: of this key, 192.0.2.1 as client and 192.168.0.1 as server.
    let mut d = Dialogue::linux();
    assert!(set(&mut d, "net.ipv4.tcp_fastopen_key", "a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4"));
    let cookie = d.stack.host().fast_open_cookie(super::dialogue::THERE.address, Instant::START);
    assert_eq!(format!("{cookie:?}"), "3021b9d889017eeb");
}

#[test]
fn sockets_are_counted_by_state() {
    let mut d = Dialogue::linux();
    let listener = d.passive();
    assert_eq!(d.stack.count_in_state("ESTABLISHED", None, false), Ok(1));
    assert_eq!(d.stack.count_in_state("LISTEN", Some(8080), false), Ok(1));
    assert_eq!(d.stack.count_in_state("LISTEN", Some(8081), false), Ok(0));
    let fd = d.accept(listener).parse().expect("a descriptor");
    d.shutdown(fd, "SHUT_WR");
    d.silence();
    d.arrives(Flags::FIN | Flags::ACK, 1, 2, 0);
    d.silence();
    assert_eq!(d.stack.count_in_state("TIME-WAIT", Some(8080), false), Ok(1));
    d.stack.drop_in_state(d.now, "TIME-WAIT").expect("a state");
    assert_eq!(d.stack.count_in_state("TIME-WAIT", None, false), Ok(0));
    assert!(d.leaves().is_empty());
    assert!(d.stack.count_in_state("TIME_WAIT", None, false).is_err());
}
