//! Whatever stands in a script: reading it ends without a panic, and what was read is printed so that it reads back.
//!
//! `cargo +nightly fuzz run packetdrill_parse -- -dict=fuzz_targets/packetdrill.dict`

#![no_main]

use libfuzzer_sys::fuzz_target;
use synfin::sources::packetdrill::parse;

fuzz_target!(|text: &str| {
    let names = [("Linux".to_owned(), String::new())];
    match parse("fuzzed.pkt", text, &names) {
        Err(error) => assert!(!error.to_string().is_empty()),
        // A definition that was replaced stands no more where it did.
        Ok(script) if script.options.iter().any(|option| option.value.name == "define") => {}
        Ok(script) => {
            let printed = script.to_string();
            let read = parse("printed.pkt", &printed, &names).unwrap_or_else(|error| panic!("{error}\n\n{printed}"));
            assert_eq!(read.to_string(), printed);
        }
    }
});
