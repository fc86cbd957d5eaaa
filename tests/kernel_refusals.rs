//! Machines that refuse something: which says what was tried and what would help, and nothing worse.
//!
//! A container's confinement is made here by a seccomp filter that a few lines of Python put on.

mod common {
    pub(crate) mod example;
    pub(crate) mod left_out;
}

use std::path::Path;
use std::process::{Command, Output};

use common::example::{for_everyone, leave_out};

/// Confines itself, then becomes the program: `NUMBER FIRST-ARGUMENT ERRNO` says which system call fails and how;
/// an argument of -1 is any.
const CONFINE: &str = r"
import ctypes, os, struct, sys
number, argument, errno = (int(text) for text in sys.argv[1:4])
load, jump_if_equal, give = 0x20, 0x15, 0x06
filter = [(load, 0, 0, 0), (jump_if_equal, 0, 3, number), (load, 0, 0, 16), (jump_if_equal, 0, 1, argument & 0xffffffff),
          (give, 0, 0, 0x50000 | errno), (give, 0, 0, 0x7fff0000)]
if argument < 0:
    filter[2:4] = [(load, 0, 0, 0), (jump_if_equal, 0, 1, number)]
octets = ctypes.create_string_buffer(b''.join(struct.pack('=HBBI', *line) for line in filter))
class Program(ctypes.Structure):
    _fields_ = [('len', ctypes.c_ushort), ('filter', ctypes.c_void_p)]
libc = ctypes.CDLL(None, use_errno=True)
no_new_privileges, seccomp, by_filter = 38, 22, 2
if libc.prctl(no_new_privileges, 1, 0, 0, 0) or libc.prctl(seccomp, by_filter, ctypes.byref(Program(len(filter), ctypes.addressof(octets)))):
    sys.exit('confine: ' + os.strerror(ctypes.get_errno()))
os.execv(sys.argv[4], sys.argv[4:])
";

/// Runs it so that one system call fails; `None` where that cannot be had.
fn confined(name: &str, program: &Path, call: libc::c_long, argument: i32, errno: i32) -> Option<Output> {
    let mut command = Command::new("python3");
    command.args(["-c", CONFINE, &call.to_string(), &argument.to_string(), &errno.to_string()]).arg(program);
    let Ok(output) = command.output() else {
        leave_out(name, "no python3 on this machine");
        return None;
    };
    if String::from_utf8_lossy(&output.stderr).starts_with("confine:") {
        leave_out(name, String::from_utf8_lossy(&output.stderr).trim());
        return None;
    }
    Some(output)
}

#[test]
fn a_confined_process_is_told_what_is_kept_from_it() {
    const ANY: i32 = -1;
    let (_folder, program) = for_everyone("switch_probe");
    for (call, argument, errno, tried, remedy) in [
        (
            libc::SYS_unshare,
            libc::CLONE_NEWNET,
            libc::EPERM,
            "cannot make a network namespace: EPERM",
            "a seccomp filter confines this process",
        ),
        (libc::SYS_setns, ANY, libc::EPERM, "cannot enter a network namespace: EPERM", "a seccomp filter confines this process"),
        (libc::SYS_socket, libc::AF_PACKET, libc::EPERM, "cannot open a packet socket: EPERM", "CAP_NET_RAW"),
        (libc::SYS_socket, libc::AF_PACKET, libc::EAFNOSUPPORT, "cannot open a packet socket: EAFNOSUPPORT", "modprobe af_packet"),
        (libc::SYS_socket, libc::AF_INET6, libc::EAFNOSUPPORT, "cannot use IPv6: EAFNOSUPPORT", "use IPv4"),
        (libc::SYS_socket, libc::AF_NETLINK, libc::EPERM, "cannot open a netlink socket: EPERM", "AF_NETLINK"),
    ] {
        let Some(output) = confined("refusals", &program, call, argument, errno) else { return };
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(2), "{tried}: {output:?}");
        assert!(said.contains(&format!("refused: {tried}")) && said.contains(remedy), "{tried}: {said}");
    }
}

#[test]
fn root_without_a_capability_is_told_which() {
    let name = "root without a capability";
    let (_folder, program) = for_everyone("switch_probe");
    // Root of a user namespace that allows no further ones, so all there is are its own capabilities.
    let script = "echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-net_raw --inh-caps=-all \"$0\"";
    let output = Command::new("unshare").args(["--user", "--map-root-user", "--net", "sh", "-c", script]).arg(&program).output();
    let Ok(output) = output else { return leave_out(name, "no unshare on this machine") };
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("unshare:") || said.contains("setpriv:") {
        return leave_out(name, said.trim());
    }
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(said.contains("refused: cannot open a packet socket: EPERM") && said.contains("CAP_NET_RAW"), "{said}");
}

#[test]
fn where_sysctls_are_read_only_it_works_all_the_same() {
    let name = "read-only sysctls";
    let (_folder, program) = for_everyone("switch_probe");
    // As containers mount it.
    let script = "mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys && exec \"$0\"";
    let output = Command::new("unshare").args(["--user", "--map-root-user", "--mount", "sh", "-c", script]).arg(&program).output();
    let Ok(output) = output else { return leave_out(name, "no unshare on this machine") };
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("unshare:") || said.contains("mount:") {
        return leave_out(name, said.trim());
    }
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said = String::from_utf8_lossy(&output.stdout);
    for fact in ["at once: 100\n", "damaged: EAGAIN\n", "first frames: 10\n", "joined: HELLO from 192.0.2.2:7\n"] {
        assert!(said.contains(fact), "{fact}{said}");
    }
}
