use std::time::Duration;

use super::*;

fn set(name: &str, value: &str) -> Act {
    Act::Set { name: name.to_owned(), value: value.to_owned() }
}

#[track_caller]
fn means(command: &str, acts: &[Act]) {
    assert_eq!(read(command).as_deref(), Ok(acts), "{command}");
}

#[track_caller]
fn unsupported(command: &str, words: &str) {
    assert_eq!(read(command), Err(words.to_owned()), "{command}");
}

#[test]
fn sysctls_are_parameters_however_they_are_written() {
    let one = [set("net.ipv4.tcp_ecn", "1")];
    means("sysctl -w net.ipv4.tcp_ecn=1", &one);
    means("sysctl -q net.ipv4.tcp_ecn=1 > /dev/null 2>&1", &one);
    means("sysctl -qw net/ipv4/tcp_ecn=1", &one);
    means("/sbin/sysctl -wq \"net.ipv4.tcp_ecn=1\"", &one);
    means("echo 1 > /proc/sys/net/ipv4/tcp_ecn", &one);
    means("../common/set_sysctls.py /proc/sys/net/ipv4/tcp_ecn=1", &one);
    means("sysctl -w net.inet.tcp.rfc1323=0 >/dev/null", &[set("net.inet.tcp.rfc1323", "0")]);
}

#[test]
fn several_values_have_one_space_between() {
    let [ecn, memory] = [set("net.ipv4.tcp_ecn", "1"), set("net.ipv4.tcp_wmem", "4096 16384 4194304")];
    means("sysctl -q net.ipv4.tcp_ecn=1 \\\n  net.ipv4.tcp_wmem=\"4096\t16384  4194304\"", &[ecn.clone(), memory.clone()]);
    means("sysctl net.ipv4.tcp_ecn=1 && echo 4096 16384 4194304 > /proc/sys/net/ipv4/tcp_wmem || exit 1", &[ecn, memory]);
}

#[test]
fn a_file_of_sysctls_is_read_line_by_line() {
    means(
        "#!/bin/bash\n# What the tests assume.\nip tcp_metrics flush all > /dev/null 2>&1\n\nsysctl -q net.ipv4.tcp_sack=1 # yes\n\
         tc qdisc add dev tun0 root fq\nset -e; exit 0\n",
        &[Act::ForgetPeers, set("net.ipv4.tcp_sack", "1")],
    );
}

#[test]
fn a_script_beside_is_included() {
    means("../common/defaults.sh\nsleep 0.5", &[Act::Include("../common/defaults.sh".to_owned()), Act::Sleep(Duration::from_millis(500))]);
    means(". ./defaults.sh", &[Act::Include("./defaults.sh".to_owned())]);
}

#[test]
fn what_puts_sysctls_back_has_nothing_to_do() {
    means("/tmp/sysctl_restore_${PPID}.sh", &[]);
}

#[test]
fn sockets_in_a_state_are_counted() {
    let count = |state: &str, port, held, count| Act::Count { state: state.to_owned(), port, held, count };
    means("sockstat -4 -P tcp -s | grep packetdril | grep -c SYN_RCVD | grep 1", &[count("SYN-RECEIVED", None, true, 1)]);
    means("sockstat -6 -P tcp -p 8080 -s | grep -c TIME_WAIT | grep 0", &[count("TIME-WAIT", Some(8080), false, 0)]);
    means("tcpdrop -s TIME_WAIT", &[Act::Drop { state: "TIME-WAIT".to_owned() }]);
}

#[test]
fn the_keys_of_signatures_are_told_another_way() {
    means("setkey -f /tmp/keys", &[]);
    means("echo 'add 192.0.2.1 192.168.0.1 tcp 0x1000 -A tcp-md5 \"secret\" ;' | setkey -c", &[]);
    unsupported("setkey -c | grep secret", "the command setkey -c | grep secret");
}

#[test]
fn what_is_not_understood_is_unsupported() {
    unsupported("rm -rf /", "the command rm -rf /");
    unsupported("tc qdisc add dev tun0 root netem loss 1%", "the command tc qdisc add dev tun0 root netem loss 1%");
    unsupported("cat /proc/net/tcp | grep 0A", "the command cat /proc/net/tcp | grep 0A");
    unsupported("sockstat -4 -P tcp -s | grep -c NOWHERE | grep 1", "the command sockstat -4 -P tcp -s | grep -c NOWHERE | grep 1");
    unsupported("sysctl -p /etc/sysctl.conf", "the command sysctl -p /etc/sysctl.conf");
    unsupported("sysctl -w net.ipv4.tcp_ecn", "the command sysctl -w net.ipv4.tcp_ecn");
    unsupported("echo 1 > /etc/passwd", "the command echo 1");
    unsupported("echo 1 >> /proc/sys/net/ipv4/tcp_ecn", "output to /proc/sys/net/ipv4/tcp_ecn in a shell command");
    unsupported("exit 1", "the command exit 1");
    unsupported("sleep $(date)", "$( in a shell command");
    unsupported("(true)", "( in a shell command");
    unsupported("echo 'a", "' without its end in a shell command");
}

mod any_text {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in "[-|&;<>()$`\"'\\\\ \n{}#a-z0-9=./_]{0,60}") {
            let _ = super::super::read(&text);
        }
    }
}
