use super::dialogue::{Dialogue, name};
use crate::worlds::stack::Call;

#[test]
fn a_switch_reads_back_as_one_and_on_freebsd_as_its_bit() {
    let mut d = Dialogue::linux();
    let fd = d.socket();
    assert_eq!(d.get(fd, "SOL_SOCKET", "SO_KEEPALIVE"), "[0]");
    assert_eq!(d.set(fd, "SOL_SOCKET", "SO_KEEPALIVE", -1), "0");
    assert_eq!(d.get(fd, "SOL_SOCKET", "SO_KEEPALIVE"), "[1]");
    let mut d = Dialogue::freebsd();
    d.socket();
    d.set(fd, "SOL_SOCKET", "SO_KEEPALIVE", 1);
    assert_eq!(d.get(fd, "SOL_SOCKET", "SO_KEEPALIVE"), "[8]");
    d.set(fd, "IPPROTO_TCP", "TCP_NODELAY", 1);
    assert_eq!(d.get(fd, "IPPROTO_TCP", "TCP_NODELAY"), "[4]");
}

#[test]
fn numbers_keep_the_bounds_of_linux() {
    // Asked of Linux 6.18.
    let mut d = Dialogue::linux();
    let fd = d.socket();
    for (option, value, set, get) in [
        ("TCP_KEEPIDLE", 0, "-1 EINVAL", "[7200]"),
        ("TCP_KEEPIDLE", 32_767, "0", "[32767]"),
        ("TCP_KEEPIDLE", 32_768, "-1 EINVAL", "[32767]"),
        ("TCP_KEEPINTVL", 10, "0", "[10]"),
        ("TCP_KEEPCNT", 128, "-1 EINVAL", "[9]"),
        ("TCP_SYNCNT", 127, "0", "[127]"),
        ("TCP_LINGER2", 65_536, "0", "[120]"),
        ("TCP_LINGER2", 0, "0", "[60]"),
        ("TCP_MAXSEG", 87, "-1 EINVAL", "[536]"),
        ("TCP_MAXSEG", 1000, "0", "[1000]"),
        ("TCP_MAXSEG", 32_768, "-1 EINVAL", "[1000]"),
        ("TCP_USER_TIMEOUT", -1, "-1 EINVAL", "[0]"),
        ("TCP_USER_TIMEOUT", 2000, "0", "[2000]"),
        ("TCP_QUICKACK", 0, "0", "[0]"),
        ("TCP_NOTSENT_LOWAT", -1, "0", "[-1]"),
        ("TCP_FASTOPEN", 65_536, "0", "[4096]"),
        ("TCP_INQ", 2, "-1 EINVAL", "[0]"),
    ] {
        assert_eq!(d.set(fd, "SOL_TCP", option, value), set, "{option} {value}");
        assert_eq!(d.get(fd, "SOL_TCP", option), get, "{option} {value}");
    }
}

#[test]
fn sizes_of_buffers_are_doubled_and_bounded() {
    // Asked of Linux 6.18.
    let mut d = Dialogue::linux();
    let fd = d.socket();
    for (option, value, get) in [
        ("SO_SNDBUF", 0, "[4608]"),
        ("SO_SNDBUF", 65_535, "[131070]"),
        ("SO_SNDBUF", i32::MAX, "[8388608]"),
        ("SO_SNDBUF", -1, "[8388608]"),
        ("SO_RCVBUF", 0, "[2304]"),
        ("SO_RCVBUF", 65_536, "[131072]"),
    ] {
        assert_eq!(d.set(fd, "SOL_SOCKET", option, value), "0");
        assert_eq!(d.get(fd, "SOL_SOCKET", option), get, "{option} {value}");
    }
}

#[test]
fn what_can_only_be_read_cannot_be_set() {
    let mut d = Dialogue::linux();
    let fd = d.socket();
    for (option, get) in [("SO_TYPE", "[1]"), ("SO_PROTOCOL", "[6]"), ("SO_DOMAIN", "[2]"), ("SO_ACCEPTCONN", "[0]"), ("SO_ERROR", "[0]")] {
        assert_eq!(d.get(fd, "SOL_SOCKET", option), get, "{option}");
        assert_eq!(d.set(fd, "SOL_SOCKET", option, 1), "-1 ENOPROTOOPT", "{option}");
    }
    assert_eq!(d.get(fd, "IPPROTO_IPV6", "IPV6_TCLASS"), "-1 EOPNOTSUPP");
    assert_eq!(d.set(fd, "IPPROTO_IPV6", "IPV6_TCLASS", 0), "-1 ENOPROTOOPT");
    assert_eq!(d.get(fd, "SOL_TCP", "TCP_ELSE"), "-1 ENOPROTOOPT");
    assert_eq!(d.set(fd, "SOL_TCP", "TCP_ELSE", 1), "-1 ENOPROTOOPT");
}

#[test]
fn a_value_is_cut_to_the_room_there_is_and_none_is_too_short() {
    // Asked of Linux 6.18.
    let mut d = Dialogue::linux();
    let fd = d.socket();
    let get = |level: &str, option: &str, len| Call::GetOption { fd, level: name(level), name: name(option), len };
    assert_eq!(d.call(&get("SOL_TCP", "TCP_KEEPIDLE", 2)), "[32, 28]");
    assert_eq!(d.call(&get("SOL_TCP", "TCP_KEEPIDLE", 200)), "[7200]");
    assert_eq!(d.call(&get("SOL_TCP", "TCP_KEEPIDLE", u32::MAX)), "-1 EINVAL");
    assert_eq!(d.call(&get("SOL_IP", "IP_TTL", 1)), "[64]");
    let set = |level: &str, option: &str, len: u32| Call::SetOption {
        fd,
        level: name(level),
        name: name(option),
        value: vec![1; len as usize],
        len,
    };
    assert_eq!(d.call(&set("SOL_TCP", "TCP_NODELAY", 3)), "-1 EINVAL");
    assert_eq!(d.call(&set("SOL_SOCKET", "SO_LINGER", 4)), "-1 EINVAL");
    assert_eq!(d.call(&set("SOL_IP", "IP_TTL", 1)), "0");
    assert_eq!(d.call(&set("SOL_TCP", "TCP_CONGESTION", 0)), "-1 EINVAL");
    assert_eq!(d.call(&set("SOL_TCP", "TCP_CONGESTION", 3)), "-1 ENOENT");
}

#[test]
fn what_is_out_of_scope_says_so() {
    let mut d = Dialogue::linux();
    let fd = d.socket();
    let set = |level: &str, option: &str, value: &[u8]| Call::SetOption {
        fd,
        level: name(level),
        name: name(option),
        value: value.to_vec(),
        len: u32::try_from(value.len()).expect("short"),
    };
    for (call, said) in [
        (set("SOL_TCP", "TCP_CONGESTION", b"bbr"), "unsupported: the congestion control bbr: reno and cubic are simulated"),
        (set("SOL_TCP", "TCP_CONGESTION", b"none"), "-1 ENOENT"),
        (set("SOL_SOCKET", "SO_MAX_PACING_RATE", &1_000_000_u32.to_ne_bytes()), "unsupported: pacing (SO_MAX_PACING_RATE)"),
        (set("SOL_SOCKET", "SO_MAX_PACING_RATE", &0_u32.to_ne_bytes()), "unsupported: pacing (SO_MAX_PACING_RATE)"),
        (set("SOL_SOCKET", "SO_MAX_PACING_RATE", &[0xff; 4]), "0"),
        (set("SOL_SOCKET", "SO_MAX_PACING_RATE", &[0xff; 8]), "0"),
    ] {
        assert_eq!(d.call(&call), said, "{call:?}");
    }
}

#[test]
fn an_accepted_socket_has_the_options_of_its_listener() {
    let mut d = Dialogue::linux();
    let listener = d.socket();
    d.set(listener, "SOL_TCP", "TCP_NODELAY", 1);
    d.set(listener, "SOL_TCP", "TCP_USER_TIMEOUT", 3000);
    d.bind(listener);
    d.listen(listener);
    d.arrives(crate::engine::Flags::SYN, 0, 0, 0);
    d.silence();
    d.arrives(crate::engine::Flags::ACK, 1, 1, 0);
    assert_eq!(d.accept(listener), "4");
    assert_eq!(d.get(4, "SOL_TCP", "TCP_NODELAY"), "[1]");
    assert_eq!(d.get(4, "SOL_TCP", "TCP_USER_TIMEOUT"), "[3000]");
    assert_eq!(d.get(4, "SOL_TCP", "TCP_MAXSEG"), "[1000]");
}

#[test]
fn fast_open_keys_are_one_or_two() {
    let mut d = Dialogue::linux();
    let fd = d.socket();
    let set = |octets: usize| Call::SetOption {
        fd,
        level: name("SOL_TCP"),
        name: name("TCP_FASTOPEN_KEY"),
        value: vec![7; octets],
        len: u32::try_from(octets).expect("few"),
    };
    assert_eq!(d.call(&set(15)), "-1 EINVAL");
    assert_eq!(d.call(&set(48)), "-1 EINVAL");
    assert_eq!(d.call(&set(16)), "0");
    let get = Call::GetOption { fd, level: name("SOL_TCP"), name: name("TCP_FASTOPEN_KEY"), len: 32 };
    assert_eq!(d.call(&get), format!("{:?}", [7; 16]));
}

#[test]
fn tcp_defer_accept_counts_time_outs() {
    // Asked of Linux 6.18.
    let mut d = Dialogue::linux();
    let fd = d.socket();
    for (seconds, read) in [(0, "[0]"), (1, "[1]"), (2, "[3]"), (50, "[63]"), (255, "[367]"), (-1, "[0]")] {
        assert_eq!(d.set(fd, "SOL_TCP", "TCP_DEFER_ACCEPT", seconds), "0");
        assert_eq!(d.get(fd, "SOL_TCP", "TCP_DEFER_ACCEPT"), read, "{seconds}");
    }
}

#[test]
fn freebsd_tells_nothing_of_a_connection_that_is_over() {
    let mut d = Dialogue::freebsd();
    let fd = d.accepted();
    d.arrives(crate::engine::Flags::RST, 1, 0, 0);
    assert_eq!(d.get(fd, "IPPROTO_TCP", "TCP_NODELAY"), "-1 ECONNRESET");
    assert_eq!(d.get(fd, "SOL_SOCKET", "SO_ERROR"), "[54]");
}
