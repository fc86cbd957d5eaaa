//! The two addresses of a host and the machine it is reached from.

use std::net::IpAddr;

/// Both ends of the link, of one family, in one prefix.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Addresses {
    /// The synfin stack's.
    pub(super) host: IpAddr,
    /// Whoever talks to it has this one.
    pub(super) machine: IpAddr,
}

impl Addresses {
    /// These two; where the machine's is not given, the first of the host's /24, or /64, or the second if that is the host's.
    pub(super) fn of(host: IpAddr, machine: Option<IpAddr>) -> Result<Self, String> {
        let machine = machine.unwrap_or_else(|| neighbour(host));
        let usable = |address: IpAddr| !address.is_unspecified() && !address.is_loopback() && !address.is_multicast();
        if let Some(wrong) = [host, machine].into_iter().find(|address| !usable(*address)) {
            return Err(format!("{wrong} is no address of a host; expected a unicast address such as 192.0.2.2"));
        }
        if host.is_ipv4() != machine.is_ipv4() {
            return Err(format!("{host} and {machine} are of different families, so nothing can pass between them"));
        }
        if host == machine {
            return Err(format!("{host} cannot be at both ends of the link"));
        }
        let addresses = Self { host, machine };
        if !addresses.is_one_link() {
            let prefix = addresses.prefix();
            return Err(format!("{host} and {machine} are not of one link: they must share their first {prefix} bits"));
        }
        Ok(addresses)
    }

    /// Bits that both addresses share, as on most links.
    pub(super) const fn prefix(self) -> u8 {
        if self.host.is_ipv4() { 24 } else { 64 }
    }

    fn is_one_link(self) -> bool {
        match (self.host, self.machine) {
            (IpAddr::V4(host), IpAddr::V4(machine)) => host.octets()[..3] == machine.octets()[..3],
            (IpAddr::V6(host), IpAddr::V6(machine)) => host.octets()[..8] == machine.octets()[..8],
            _ => false,
        }
    }
}

fn neighbour(host: IpAddr) -> IpAddr {
    match host {
        IpAddr::V4(v4) => {
            let [a, b, c, last] = v4.octets();
            IpAddr::from([a, b, c, if last == 1 { 2 } else { 1 }])
        }
        IpAddr::V6(v6) => {
            let prefix = u128::from(v6) & !u128::from(u64::MAX);
            let first = IpAddr::V6((prefix | 1).into());
            if first == host { IpAddr::V6((prefix | 2).into()) } else { first }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(host: &str, machine: Option<&str>) -> Result<String, String> {
        let read = |text: &str| text.parse().expect("an address");
        Addresses::of(read(host), machine.map(read)).map(|addresses| addresses.machine.to_string())
    }

    #[test]
    fn the_machine_has_the_first_address_that_is_free() {
        assert_eq!(of("192.0.2.2", None).as_deref(), Ok("192.0.2.1"));
        assert_eq!(of("192.0.2.1", None).as_deref(), Ok("192.0.2.2"));
        assert_eq!(of("2001:db8::2", None).as_deref(), Ok("2001:db8::1"));
        assert_eq!(of("2001:db8::1", None).as_deref(), Ok("2001:db8::2"));
        assert_eq!(of("192.0.2.2", Some("192.0.2.9")).as_deref(), Ok("192.0.2.9"));
    }

    #[test]
    fn addresses_that_cannot_be_are_refused_with_the_reason() {
        for (host, machine, reason) in [
            ("127.0.0.1", None, "no address of a host"),
            ("224.0.0.1", None, "no address of a host"),
            ("192.0.2.2", Some("0.0.0.0"), "no address of a host"),
            ("192.0.2.2", Some("2001:db8::1"), "different families"),
            ("192.0.2.2", Some("192.0.2.2"), "both ends"),
            ("192.0.2.2", Some("192.0.3.1"), "first 24 bits"),
        ] {
            let error = of(host, machine).expect_err(host);
            assert!(error.contains(reason), "{error}");
        }
    }
}
