//! Whatever a script does to a host: playing it ends, with a verdict and without a panic.
//!
//! `cargo +nightly fuzz run packetdrill_play -- -dict=fuzz_targets/packetdrill.dict`

#![no_main]

use libfuzzer_sys::fuzz_target;
use synfin::Profile;
use synfin::sources::packetdrill::parse;
use synfin::sources::packetdrill::play::{Context, Verdict, play, settings};
use synfin::worlds::stack::Virtual;

fuzz_target!(|text: &str| {
    let Ok(script) = parse("fuzzed.pkt", text, &[]) else { return };
    for profile in [Profile::linux(), Profile::freebsd()] {
        let freebsd = profile.name == "freebsd";
        let context = Context { name: "fuzzed.pkt", text, freebsd, ..Context::default() };
        let Ok(settings) = settings(&script, &context) else { return };
        let stack = settings.sockets(profile, 1);
        let report = play(&script, &context, &mut Virtual::new(stack));
        match report.verdict {
            Verdict::Passed => {}
            Verdict::Failed(mismatch) => assert!(!mismatch.to_string().is_empty()),
            Verdict::Unsupported(trouble) | Verdict::Error(trouble) => assert!(!trouble.to_string().is_empty()),
        }
    }
});
