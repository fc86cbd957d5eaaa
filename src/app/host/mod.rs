//! `synfin host`: the stack as a host that real programs can talk to.

mod address;
mod device;
mod display;
mod running;

use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Write};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use synfin::Instant;
use synfin::sinks::pcap::{Format, Stream};
use synfin::sources::scenario;
use synfin::worlds::serving::{Server, Service};
use synfin::worlds::simulated::Host;

use super::args;
use super::{Failure, Verdict, output, say};
use address::Addresses;
use device::{Cable, Signals, Tunnel};
use display::Display;
use running::{Device, Running};

pub(crate) fn run(arguments: &args::Host) -> Result<Verdict, Failure> {
    let addresses = Addresses::of(arguments.address, arguments.machine).map_err(Failure::Request)?;
    let server = server(arguments, addresses)?;
    let capture = arguments.write.as_deref().map(|path| Ok((path, output::format_of(path, arguments.format)?))).transpose()?;
    let signals = Signals::take().map_err(Failure::request)?;
    let device: Box<dyn Device> = match arguments.via {
        args::Via::Veth => Box::new(Cable::lay(&arguments.device, addresses)?),
        args::Via::Tun => Box::new(Tunnel::dig(&arguments.device, addresses)?),
    };
    say(&format!("{} is the way to {}, from {}; end with Ctrl-C", arguments.device, addresses.host, addresses.machine));
    let started = std::time::Instant::now();
    let mut stop = || signals.came() || arguments.timeout.is_some_and(|timeout| started.elapsed() >= timeout.into());
    let go = |out: Option<&mut dyn Write>, to_stdout: bool| {
        let stream = out.map(|out| Stream::begin(out, capture.map_or(Format::PcapNg, |(_, format)| format), &arguments.device));
        let mut stream = stream.transpose().map_err(io::Error::other)?;
        let mut tell = |rows: &str, packet: Option<(&[u8], bool)>| {
            if let (Some(stream), Some((octets, outbound))) = (&mut stream, packet) {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                stream.packet(now, outbound, octets, rows.trim()).map_err(io::Error::other)?;
            }
            if to_stdout { Ok(()) } else { output::print_now(rows) }
        };
        let display = Display::new(arguments.absolute, arguments.options);
        Running::new(server, device, display, &mut tell).run(&mut stop)
    };
    match capture {
        None => output::as_done("stdout", go(None, false))?,
        Some((path, _)) if path.as_os_str() == "-" => output::to_stdout(|out| go(Some(out), true))?,
        Some((path, _)) => output::to_file(path, |out| go(Some(out), false))?,
    }
    Ok(Verdict::Yes)
}

/// The host with its ports open.
fn server(arguments: &args::Host, addresses: Addresses) -> Result<Server, Failure> {
    let knobs = arguments.set.iter().map(|(knob, value)| (knob.as_str(), value.as_str()));
    let profile = scenario::profile(&arguments.profile, knobs).map_err(Failure::Request)?;
    // Somebody real is at the other end: its ISSs are to be hard to guess, other than those of a scenario.
    let seed = RandomState::new().hash_one("synfin host");
    let mut server = Server::new(Host::new(addresses.host, device::MTU, Arc::new(profile), seed));
    for text in &arguments.listen {
        let (port, service) = listener(text)?;
        let opened = server.serve(Instant::START, port, service);
        opened.map_err(|errno| Failure::Request(format!("--listen {text}: {errno}; is port {port} named twice?")))?;
    }
    Ok(server)
}

/// A port and what serves it: `7`, `8080=upper`.
fn listener(text: &str) -> Result<(u16, Service), Failure> {
    let (port, service) = text.split_once('=').map_or((text, None), |(port, service)| (port, Some(service)));
    let wrong = |what: String| Failure::Request(format!("--listen {text}: {what}"));
    let port = port.parse().ok().filter(|port| *port > 0);
    let port = port.ok_or_else(|| wrong("expected PORT or PORT=SERVICE, with a port from 1 to 65535".to_owned()))?;
    let Some(name) = service else { return Ok((port, Service::of_port(port))) };
    let service = Service::named(name).ok_or_else(|| {
        let names: Vec<_> = Service::ALL.iter().map(|(name, ..)| *name).collect();
        wrong(format!("there is no service {name:?}; expected one of {}", names.join(", ")))
    })?;
    Ok((port, service))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_served_by_name_or_by_what_it_is_assigned_to() {
        for (text, expected) in [("7", (7, Service::Echo)), ("9", (9, Service::Discard)), ("80=hold", (80, Service::Hold))] {
            assert_eq!(listener(text).ok(), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_listener_that_cannot_be_says_what_would_be_right() {
        for (text, reason) in [("0", "from 1 to 65535"), ("http", "PORT=SERVICE"), ("70000", "from 1"), ("7=telnet", "echo, upper")] {
            let Err(Failure::Request(message)) = listener(text) else { panic!("{text} was taken") };
            assert!(message.contains(text) && message.contains(reason), "{message}");
        }
    }
}
