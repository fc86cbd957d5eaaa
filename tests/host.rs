//! `synfin host` met by real programs: in namespaces of the test's own, as whoever runs it and as an ordinary user.
//!
//! Where namespaces or Python are missing the tests say `left out` and pass, unless `SYNFIN_ORACLES=require`.

mod common {
    pub(crate) mod left_out;
}

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use common::left_out::leave_out;

const PROGRAM: &str = env!("CARGO_BIN_EXE_synfin");

/// A client of every service, as a course would write it; it fails loudly.
const CLIENT: &str = r#"
import errno, socket, sys

host = sys.argv[1]
family = socket.AF_INET6 if ":" in host else socket.AF_INET

def connect(port):
    s = socket.socket(family)
    s.settimeout(10)
    s.connect((host, port))
    return s

def everything(s):
    said = b""
    while part := s.recv(65536):
        said += part
    return said

s = connect(7)
s.sendall(b"hello")
assert s.recv(100) == b"hello"
s.shutdown(socket.SHUT_WR)
assert everything(s) == b""
s.close()

s = connect(8080)
text = b"a" * 300_000
s.sendall(text[:150_000])
heard = b""
while len(heard) < 150_000:
    heard += s.recv(65536)
assert heard == b"A" * 150_000, heard[:20]
s.close()

assert everything(connect(10)) == b""       # it closes at once

try:
    connect(99)
    raise SystemExit("port 99 is open")
except ConnectionRefusedError:
    pass

u = socket.socket(family, socket.SOCK_DGRAM)
u.settimeout(10)
u.sendto(b"datagram", (host, 7))
assert u.recvfrom(100)[0] == b"datagram"
print("client done")
"#;

fn python() -> bool {
    Command::new("python3").arg("--version").stdout(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// Who runs the host.
#[derive(Clone, Copy)]
enum Who {
    Tester,
    OrdinaryUser,
}

/// A command that is run by this user.
fn by(who: Who, program: &str) -> Command {
    match who {
        Who::OrdinaryUser if rustix::process::geteuid().is_root() => {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=1000", "--regid=1000", "--clear-groups", "--inh-caps=-all", program]);
            command
        }
        Who::OrdinaryUser | Who::Tester => Command::new(program),
    }
}

/// A folder that has the program and the client, both for anybody's use.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::copy(PROGRAM, folder.path().join("synfin")).expect("a copy");
    fs::write(folder.path().join("client.py"), CLIENT).expect("a client");
    for path in [folder.path().to_owned(), folder.path().join("synfin")] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o777)).expect("ours to change");
    }
    folder
}

/// Runs `script` as root of fresh user and network namespaces, with `$1` the program and `$2` the folder.
fn in_namespace(name: &str, who: Who, folder: &Path, script: &str) -> Option<Output> {
    if !python() {
        leave_out(name, "no python3 on this machine");
        return None;
    }
    let mut command = by(who, "unshare");
    command.args(["--user", "--map-root-user", "--net", "sh", "-euc", script, "sh"]);
    let output = command.arg(folder.join("synfin")).arg(folder).output();
    let Ok(output) = output else {
        leave_out(name, "no unshare on this machine");
        return None;
    };
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    if stderr.contains("unshare:") || stderr.contains("setpriv:") {
        leave_out(name, stderr.trim());
        return None;
    }
    assert!(output.status.success(), "{stderr}{}", String::from_utf8_lossy(&output.stdout));
    Some(output)
}

/// Starts the host, waits until it says it is there, runs the client, and ends the host by a signal.
const SCRIPT: &str = r#"
"$1" host --via "$VIA" --listen 7 --listen 8080=upper --listen 10=close --profile freebsd --address "$ADDRESS" --timeout 60s \
    -w "$2/host.pcapng" >"$2/rows" 2>"$2/said" &
host=$!
until grep -q "Ctrl-C" "$2/said"; do
    kill -0 $host || { cat "$2/said" >&2; exit 1; }
    sleep 0.05
done
python3 "$2/client.py" "$ADDRESS"
kill -INT $host
wait $host
"#;

fn talk(name: &str, who: Who, address: &str) -> Option<(String, tempfile::TempDir)> {
    talk_via(name, who, address, "veth")
}

fn talk_via(name: &str, who: Who, address: &str, via: &str) -> Option<(String, tempfile::TempDir)> {
    let folder = folder();
    let script = format!("ADDRESS={address}\nVIA={via}\n{SCRIPT}");
    let output = in_namespace(name, who, folder.path(), &script)?;
    assert!(String::from_utf8_lossy(&output.stdout).contains("client done"));
    let rows = fs::read_to_string(folder.path().join("rows")).expect("rows");
    Some((rows, folder))
}

#[test]
fn real_programs_talk_to_it() {
    let Some((rows, folder)) = talk("real_programs_talk_to_it", Who::Tester, "192.0.2.2") else { return };
    let lines: Vec<&str> = rows.lines().map(str::trim_end).collect();
    let handshake = [
        "                --> <SEQ=0><CTL=SYN>                           --> SYN-RECEIVED",
        "                <-- <SEQ=0><ACK=1><CTL=SYN,ACK>                <-- SYN-RECEIVED",
        "                --> <SEQ=1><ACK=1><CTL=ACK>                    --> ESTABLISHED",
        "                --> <SEQ=1><ACK=1><LEN=5><CTL=PSH,ACK>         --> ESTABLISHED",
    ];
    assert!(lines[0].starts_with("   (1: 192.0.2.1:") && lines[0].ends_with(" -> 192.0.2.2:7)"), "{rows}");
    assert_eq!(lines[1..5], handshake, "{rows}");
    assert!(lines.iter().any(|line| line.contains("CTL=RST,ACK") && line.ends_with("<-- CLOSED")), "port 99 refuses: {rows}");
    assert!(lines.iter().any(|line| line.contains("<CTL=FIN,ACK>") && line.ends_with("<-- FIN-WAIT-1")), "port 10 closes: {rows}");
    assert!(lines.iter().any(|line| line.contains("<UDP=7 to ")), "{rows}");
    let capture = fs::read(folder.path().join("host.pcapng")).expect("a capture");
    assert_eq!(capture[..4], [0x0a, 0x0d, 0x0d, 0x0a], "a whole pcapng, though a signal ended it");
}

#[test]
fn it_speaks_ipv6_as_well() {
    let Some((rows, _folder)) = talk("it_speaks_ipv6_as_well", Who::Tester, "2001:db8::2") else { return };
    assert!(rows.contains("-> [2001:db8::2]:7)"), "{rows}");
}

#[test]
fn a_tun_device_leads_to_it_as_well() {
    let name = "a_tun_device_leads_to_it_as_well";
    if fs::OpenOptions::new().read(true).write(true).open("/dev/net/tun").is_err() {
        return leave_out(name, "/dev/net/tun is not ours to open");
    }
    let Some((rows, _folder)) = talk_via(name, Who::Tester, "192.0.2.2", "tun") else { return };
    assert!(rows.contains("-> 192.0.2.2:7)"), "{rows}");
}

#[test]
fn a_tun_device_that_is_refused_says_what_would_help() {
    let name = "a_tun_device_that_is_refused_says_what_would_help";
    let folder = folder();
    let script = r#"code=0; "$1" host --via tun --timeout 1s >"$2/out" 2>"$2/said" || code=$?; cat "$2/said"; echo "exit $code""#;
    let Some(output) = in_namespace(name, Who::OrdinaryUser, folder.path(), script) else { return };
    let said = String::from_utf8_lossy(&output.stdout);
    if said.ends_with("exit 0\n") {
        return leave_out(name, "on this machine an ordinary user may open /dev/net/tun");
    }
    assert!(said.contains("/dev/net/tun") && said.contains("veth") && said.ends_with("exit 2\n"), "{said}");
}

#[test]
fn an_ordinary_user_may_have_one_too() {
    let Some((rows, _folder)) = talk("an_ordinary_user_may_have_one_too", Who::OrdinaryUser, "192.0.2.2") else { return };
    assert!(rows.contains("-> 192.0.2.2:7)"), "{rows}");
}

#[test]
fn killed_in_the_middle_it_leaves_no_device_and_no_file() {
    let folder = folder();
    let script = r#"
"$1" host -w "$2/host.pcapng" >/dev/null 2>"$2/said" &
host=$!
until grep -q "Ctrl-C" "$2/said"; do
    kill -0 $host || { cat "$2/said" >&2; exit 1; }
    sleep 0.05
done
grep -q synfin0 /proc/net/dev
kill -KILL $host
wait $host || true
rm "$2/said" "$2/client.py" "$2/synfin"
! grep synfin0 /proc/net/dev
ls -A "$2"
"#;
    let name = "killed_in_the_middle_it_leaves_no_device_and_no_file";
    let Some(output) = in_namespace(name, Who::Tester, folder.path(), script) else { return };
    assert_eq!(String::from_utf8_lossy(&output.stdout), "", "nothing is left");
}

#[test]
fn without_the_right_to_networks_it_says_what_would_help() {
    let name = "without_the_right_to_networks_it_says_what_would_help";
    let folder = folder();
    let program = folder.path().join("synfin");
    let output = by(Who::OrdinaryUser, program.to_str().expect("a plain path")).args(["host", "--timeout", "1s"]).output();
    let Ok(output) = output else { return leave_out(name, "no setpriv on this machine") };
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("EPERM") && stderr.contains("unshare --user"), "{stderr}");
    assert!(output.stdout.is_empty());
}

#[test]
fn a_device_name_that_is_taken_is_refused() {
    let name = "a_device_name_that_is_taken_is_refused";
    let folder = folder();
    let script = r#"code=0; "$1" host --device lo --timeout 1s >"$2/out" 2>"$2/said" || code=$?; cat "$2/said"; echo "exit $code""#;
    let Some(output) = in_namespace(name, Who::Tester, folder.path(), script) else { return };
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("there is an interface of that name") && said.ends_with("exit 2\n"), "{said}");
}
