//! The thread whose network the command gets: sets it up, starts the command, and asks the kernel about it.

use std::net::{Ipv6Addr, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, SyncSender};

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::mount::{MountPropagationFlags, mount_change};

use super::rights::{self, Rights};
use super::tap::{Signs, Tap};
use super::{Heard, Plan, RecordError, Sighting, step, watcher};
use crate::worlds::kernel::{Network, Refusal, Sniffer, SnifferError, sys};

/// What the supervisor gets once the command is on its way.
pub(super) struct Ready {
    pub(super) control: UnixStream,
    pub(super) tap: Signs,
    pub(super) notes: Vec<String>,
}

/// What is left when it is over.
pub(super) struct Outcome {
    pub(super) heard: Heard,
    pub(super) sightings: Vec<Sighting>,
}

/// The ends of the supervisor's channels.
pub(super) struct Lines {
    /// Tells of the command on its way, or why it is not.
    pub(super) ready: SyncSender<Result<Ready, RecordError>>,
    /// Its closing is the end of recording.
    pub(super) go_on: Receiver<()>,
    /// Tells what was recorded.
    pub(super) outcome: SyncSender<Result<Outcome, SnifferError>>,
}

/// Does it all, and returns when no process of the command is left.
///
/// It must not return before: the keeper dies with the thread that started it.
pub(super) fn run(plan: &Plan, rights: Rights, lines: Lines) {
    let (network, notes, sniffer) = match network(plan, rights) {
        Ok(network) => network,
        Err(error) => return drop(lines.ready.send(Err(error))),
    };
    let epoch = sniffer.epoch();
    // Before the next step: after that this thread can start no other, and sees the /proc of the command.
    let tap = match Tap::start(sniffer) {
        Ok(tap) => tap,
        Err(error) => return drop(lines.ready.send(Err(step("start a thread")(error)))),
    };
    let signs = tap.signs();
    let watcher = std::thread::Builder::new().name("watcher".to_owned()).spawn(move || watcher::watch(epoch, &signs, &lines.go_on));
    let started = watcher.map_err(step("start a thread")).and_then(|watcher| Ok((watcher, start_keeper(plan)?)));
    let (watcher, (mut keeper, control)) = match started {
        Ok(started) => started,
        Err(error) => {
            drop(tap.finish());
            return drop(lines.ready.send(Err(error)));
        }
    };
    let _ = lines.ready.send(Ok(Ready { control, tap: tap.signs(), notes }));
    let sightings = watcher.join().unwrap_or_default();
    let _ = lines.outcome.send(tap.finish().map(|heard| Outcome { heard, sightings }));
    let _ = keeper.wait();
    drop(network);
}

/// The network, what is to be said of it, and a tap on it.
fn network(plan: &Plan, rights: Rights) -> Result<(Network, Vec<String>, Sniffer), RecordError> {
    let network = Network::new(plan.mtu, &[])?;
    let mut notes = Vec::new();
    // Without /proc/sys, or with one that may not be written, most programs do as well.
    let groups = match rights {
        Rights::Administrator => "0 2147483647".to_owned(),
        Rights::Own { group } => format!("{group} {group}"),
    };
    for (name, value, what) in [
        ("net.ipv4.ip_unprivileged_port_start", "0", "ports below 1024 are closed to ordinary users"),
        ("net.ipv4.ping_group_range", groups.as_str(), "ping needs rights of its own"),
    ] {
        if let Err(error) = network.set_sysctl(name, value) {
            notes.push(format!("{what}: {error}"));
        }
    }
    if UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        notes.push("IPv6 is switched off here: there is no ::1, only 127.0.0.1".to_owned());
    }
    let sniffer = Sniffer::open()?;
    Ok((network, notes, sniffer))
}

/// Process 1 of a new process namespace, which starts the command.
fn start_keeper(plan: &Plan) -> Result<(Child, UnixStream), RecordError> {
    sys::unshare_processes().map_err(|errno| Refusal::now("make a process and a mount namespace", errno))?;
    // What is mounted in there must not show outside.
    mount_change("/", MountPropagationFlags::REC | MountPropagationFlags::DOWNSTREAM)
        .map_err(step("keep the mounts of a new mount namespace apart"))?;
    let (ours, theirs) = UnixStream::pair().map_err(step("make a pair of sockets"))?;
    fcntl_setfd(&theirs, FdFlags::empty()).map_err(step("leave a socket to the process that starts the command"))?;
    let (program, arguments) = &plan.keeper;
    let mut command = Command::new(program);
    command.args(arguments).arg(theirs.as_raw_fd().to_string()).arg("--").args(&plan.command);
    rights::keep_for_the_keeper();
    let child = command.spawn().map_err(step("start the process that starts the command"))?;
    rights::give_up();
    Ok((child, ours))
}
