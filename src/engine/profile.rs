//! Where the RFC leaves room: every choice is a knob with a unit, a default per profile, a source.
//!
//! A [`Profile`] is the set of all knobs; every profile is a layer over one base, `rfc9293`. [`KNOBS`]
//! lists the knobs as data, so that `--set`, the listing and the documentation cannot drift from the
//! fields.
//!
//! Here: profiles and knobs. Not here: what values are like (`values`), the list itself (`knobs`).

mod knobs;
mod values;

use std::fmt;

pub use knobs::{KNOBS, Profile};
pub use values::{
    AckPolicy, Blackhole, CongestionControl, EcnPolicy, HoldSynText, IcmpRequests, KnobValue, LossDetection, MtuProbing, OptionLayout,
    Shift, SynCookies, TimeWaitAcks, TimeWaitReuse, WindowPolicy,
};

/// A set of values over the base.
#[expect(non_camel_case_types, reason = "the list of knobs spells them as a person does")]
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layer {
    rfc9293,
    linux,
    freebsd,
}

impl Layer {
    /// All of them; the base, which names every knob, first.
    const ALL: [Self; 3] = [Self::rfc9293, Self::linux, Self::freebsd];

    const fn name(self) -> &'static str {
        match self {
            Self::rfc9293 => "rfc9293",
            Self::linux => "linux",
            Self::freebsd => "freebsd",
        }
    }

    const fn about(self) -> &'static str {
        match self {
            Self::rfc9293 => "the RFC's own words; this project's choice where they leave room",
            Self::linux => "Linux as measured on 6.18 with default sysctls",
            Self::freebsd => "FreeBSD with default sysctls, as its own TCP tests expect it",
        }
    }
}

/// One knob as data.
#[derive(Clone, Copy)]
pub struct Knob {
    /// Its name: `syn-retries`.
    pub name: &'static str,
    /// What it means, with its unit.
    pub about: &'static str,
    /// What values it takes.
    pub expected: &'static str,
    base_source: &'static str,
    layers: &'static [(Layer, &'static str)],
    get: fn(&Profile) -> String,
    set: fn(&mut Profile, &str) -> bool,
}

impl Knob {
    /// The value of this knob in `profile`, as text.
    pub fn get(&self, profile: &Profile) -> String {
        (self.get)(profile)
    }

    /// Where the default of the profile with this name is from; `None` if it has the base's.
    pub fn own_source(&self, profile: &str) -> Option<&'static str> {
        if profile == Layer::rfc9293.name() {
            return Some(self.base_source);
        }
        self.layers.iter().find(|(layer, _)| layer.name() == profile).map(|(_, source)| *source)
    }

    /// Where the default of the profile with this name is from, be it its own or the base's.
    pub fn source(&self, profile: &str) -> &'static str {
        self.own_source(profile).unwrap_or(self.base_source)
    }

    /// The knob with this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        KNOBS.iter().find(|knob| knob.name == name)
    }
}

impl fmt::Debug for Knob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// A knob that does not exist, or a value it does not take.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KnobError {
    /// No knob of this name.
    #[error("there is no knob {name:?}")]
    Unknown {
        /// The name that was asked for.
        name: String,
    },
    /// The knob takes other values.
    #[error("knob {name} cannot be {value:?}: expected {expected}")]
    Value {
        /// The knob.
        name: &'static str,
        /// The value that was given.
        value: String,
        /// What it takes.
        expected: &'static str,
    },
}

impl Profile {
    /// The names of all profiles; the first is the base.
    pub const NAMES: [&'static str; 3] = [Layer::ALL[0].name(), Layer::ALL[1].name(), Layer::ALL[2].name()];

    /// The profile with this name.
    pub fn named(name: &str) -> Option<Self> {
        Layer::ALL.into_iter().find(|layer| layer.name() == name).map(Self::layered)
    }

    /// Octets the window has at most, by the choice of the process.
    pub(crate) const fn window_bound(&self) -> u32 {
        if self.window_clamp == 0 { u32::MAX } else { self.window_clamp }
    }

    /// The RFC's own words, and the choices this project makes where they leave room.
    pub fn rfc9293() -> Self {
        Self::layered(Layer::rfc9293)
    }

    /// Linux as measured on 6.18 with default sysctls.
    pub fn linux() -> Self {
        Self::layered(Layer::linux)
    }

    /// FreeBSD with default sysctls, as its own TCP tests expect it.
    pub fn freebsd() -> Self {
        Self::layered(Layer::freebsd)
    }

    /// Whether some ACKs are answers made from the segment they are for, and no segments of the connection.
    pub(crate) const fn answers_from_numbers(&self) -> bool {
        self.challenge_apart
    }

    /// What the profile describes, in one line.
    pub fn about(&self) -> &'static str {
        Layer::ALL.into_iter().find(|layer| layer.name() == self.name).map_or("", Layer::about)
    }

    /// Sets a knob by name.
    ///
    /// # Errors
    /// [`KnobError::Unknown`] for a name that no knob has, [`KnobError::Value`] for a value it does not take.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), KnobError> {
        let knob = Knob::named(name).ok_or_else(|| KnobError::Unknown { name: name.to_owned() })?;
        if (knob.set)(self, value) {
            Ok(())
        } else {
            Err(KnobError::Value { name: knob.name, value: value.to_owned(), expected: knob.expected })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_knob_reads_back_what_it_shows() {
        for name in Profile::NAMES {
            let profile = Profile::named(name).expect("listed");
            for knob in KNOBS {
                let mut other = profile.clone();
                other.set(knob.name, &knob.get(&profile)).unwrap_or_else(|error| panic!("{error}"));
                assert_eq!(other, profile, "{}", knob.name);
            }
        }
    }

    #[test]
    fn the_defaults_keep_the_standards_bounds() {
        // MUST-23, MUST-28, MUST-40, SHLD-10, SHLD-11, R6298-1, R6298-4, R6298-5.
        let rfc = Profile::rfc9293();
        let sum = |times: u8| (0..=times).map(|doublings| (Duration::from_secs(1) * (1 << doublings)).min(rfc.rto_max)).sum::<Duration>();
        assert!(sum(rfc.syn_retries) >= Duration::from_mins(3) && sum(rfc.syn_ack_retries) >= Duration::from_mins(3));
        assert!(rfc.r1 >= 3 && sum(rfc.data_retries) >= Duration::from_secs(100));
        assert!(
            rfc.rto_initial >= Duration::from_secs(1) && rfc.rto_min == Duration::from_secs(1) && rfc.rto_max >= Duration::from_mins(1)
        );
        for name in Profile::NAMES {
            let profile = Profile::named(name).expect("listed");
            assert!(profile.delayed_ack < Duration::from_millis(500) && profile.keepalive_idle >= Duration::from_hours(2), "{name}");
        }
    }

    #[test]
    fn a_wrong_value_says_what_would_be_right() {
        let error = Profile::linux().set("window-scale", "15").expect_err("15 is too much");
        assert_eq!(error.to_string(), "knob window-scale cannot be \"15\": expected off, or a shift count from 0 to 14");
        assert!(matches!(Profile::linux().set("sin-retries", "1"), Err(KnobError::Unknown { .. })));
        assert!(matches!(Profile::linux().set("msl", "500000000000years"), Err(KnobError::Value { .. })));
    }

    #[test]
    fn a_profile_that_a_knob_does_not_name_has_the_value_of_the_base() {
        let base = Profile::rfc9293();
        for knob in KNOBS {
            for name in Profile::NAMES {
                let profile = Profile::named(name).expect("listed");
                assert_eq!(profile.name, name);
                if knob.own_source(name).is_none() {
                    assert_eq!(knob.get(&profile), knob.get(&base), "{} of {name}", knob.name);
                    assert_eq!(knob.source(name), knob.source("rfc9293"), "{}", knob.name);
                }
            }
        }
    }

    #[test]
    fn every_value_has_a_source_and_names_its_profile_once() {
        for knob in KNOBS {
            for name in Profile::NAMES {
                assert!(!knob.source(name).is_empty(), "{} of {name}", knob.name);
                let times = knob.layers.iter().filter(|(layer, _)| layer.name() == name).count();
                assert!(times <= usize::from(name != "rfc9293"), "{} of {name}", knob.name);
            }
        }
    }

    #[test]
    fn a_knob_tells_the_source_of_its_own_value() {
        // The base names every knob; FreeBSD has its own msl, and of the connect timeout Linux has the base's.
        let knob = |name| Knob::named(name).expect("a knob");
        assert_eq!(knob("msl").own_source("rfc9293"), Some("RFC 9293 section 3.4.2"));
        assert_eq!(knob("msl").own_source("linux"), Some("TCP_TIMEWAIT_LEN is 60 s"));
        assert_eq!(knob("msl").source("linux"), "TCP_TIMEWAIT_LEN is 60 s");
        assert_eq!(knob("connect-timeout").own_source("linux"), None);
        assert_eq!(knob("connect-timeout").source("linux"), "RFC 9293 section 3.8.3: R2 of the SYN decides");
        assert_eq!(knob("connect-timeout").source("freebsd"), "net.inet.tcp.keepinit");
        assert_eq!(format!("{:?}", knob("msl")), "msl");
    }

    #[test]
    fn a_profile_says_what_it_describes() {
        for (profile, about) in [
            (Profile::rfc9293(), "the RFC's own words"),
            (Profile::linux(), "Linux as measured"),
            (Profile::freebsd(), "FreeBSD with default sysctls"),
        ] {
            assert!(profile.about().starts_with(about), "{}: {}", profile.name, profile.about());
        }
    }
}
