//! What a network that keeps no order does to text: nothing (SHLD-31).

use super::*;

proptest! {
    // Octets arrive in order, once, unchanged, whatever order and number the segments come in.
    #[test]
    fn text_is_read_as_it_was_sent(size in 1..9000_u32, order in vec(any::<prop::sample::Index>(), 0..30), sack in any::<bool>()) {
        let knobs = [("sack", if sack { "on" } else { "off" })];
        let mut net = Net::of(host_with(1, &knobs), host_with(2, &knobs));
        let (a, b) = net.established();
        let text: Vec<u8> = (0..size).map(|octet| u8::try_from(octet % 251).expect("below 251")).collect();
        prop_assert_eq!(net.hosts[0].send(a, net.now, &text, false), Ok(size));
        net.hosts[0].shutdown(a, net.now, How::Write).expect("open");
        let mut packets = Vec::new();
        while let Some(packet) = net.hosts[0].poll_packet(net.now) {
            packets.push(packet);
        }
        for index in order {
            let packet = index.get(&packets);
            net.hosts[1].on_packet(net.now, packet.source, packet.destination, &packet.payload);
        }
        // Whatever is still missing leaves again in time.
        net.wait(Duration::from_mins(20));
        let mut read = Vec::new();
        while let Ok(part) = net.hosts[1].recv(b, net.now, 1000) {
            if part.is_empty() {
                break;
            }
            read.extend(part);
        }
        prop_assert!(read == text, "{} octets of {}", read.len(), text.len());
        prop_assert_eq!(net.hosts[1].state(b), State::CloseWait);
    }
}
