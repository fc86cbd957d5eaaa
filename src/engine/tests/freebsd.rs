//! Where FreeBSD differs from the base, one test for each difference.

use super::*;

#[test]
fn options_stand_where_freebsd_puts_them() {
    for (knobs, options) in [
        (&[][..], "mss 1460,nop,wscale 6,sackOK,TS val 0 ecr 0"),
        (&[("sack", "off")], "mss 1460,nop,wscale 6,nop,nop,TS val 0 ecr 0"),
        (&[("timestamps", "off"), ("window-scale", "off")], "mss 1460,sackOK,eol"),
        (&[("timestamps", "off"), ("window-scale", "off"), ("sack", "off")], "mss 1460"),
    ] {
        let mut freebsd = Profile::freebsd();
        for (knob, value) in knobs {
            freebsd.set(knob, value).expect("a knob");
        }
        let mut a = Scripted::new(freebsd);
        a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
        let left = a.segments()[0].options;
        assert_eq!(left.to_string(), options);
        assert!(left.octets().len().is_multiple_of(4), "{options}");
    }
}

#[test]
fn every_wait_for_a_syn_but_the_first_has_a_slop() {
    let mut a = Scripted::new(Profile::freebsd());
    a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
    a.out();
    for wait in [1000, 2200, 4200, 8200, 16_200] {
        assert_eq!(a.wait().0, wait);
    }
}
