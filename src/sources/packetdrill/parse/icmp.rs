//! ICMP messages.

use super::super::lex::Kind;
use super::super::play::icmp::{codes, types};
use super::super::syntax::{Echoed, IcmpMessage, Spanned};
use super::{Parsed, Parser};

impl Parser<'_> {
    /// What stands behind `icmp`.
    pub(super) fn icmp(&mut self) -> Parsed<IcmpMessage> {
        let kind = self.icmp_name("the type of the ICMP message, such as unreachable, or type_N", types(), "type_")?;
        let code = if self.token.kind == Kind::Word && !matches!(self.token.text, "mtu" | "id") {
            Some(self.icmp_name("the code of the ICMP message, such as frag_needed, or code_N", codes(), "code_")?)
        } else {
            None
        };
        let mtu = if self.name("mtu") { Some(self.number_u32("the MTU")?) } else { None };
        let id = if self.name("id") { Some(self.number_u16("the identifier")?) } else { None };
        let echoed = if self.is_sign('[') { self.echoed()? } else { Echoed::Nothing };
        Ok(IcmpMessage { kind, code, mtu, id, echoed })
    }

    fn icmp_name(&mut self, expected: &str, known: impl Iterator<Item = &'static str> + Clone, numbered: &str) -> Parsed<Spanned<String>> {
        let word = if self.token.kind == Kind::Word { self.token.text } else { "" };
        let is_number = word.strip_prefix(numbered).is_some_and(|number| number.parse::<u8>().is_ok());
        if !is_number && !known.clone().any(|name| name == word) {
            return Err(self.unexpected_of(expected, known));
        }
        let token = self.take();
        Ok(Spanned { value: token.text.to_owned(), span: token.span })
    }

    /// What the message quotes, in brackets.
    fn echoed(&mut self) -> Parsed<Echoed> {
        self.take();
        let echoed = if self.name("udp") {
            Echoed::Udp { len: self.length()? }
        } else if self.name("raw") {
            Echoed::Raw { len: self.length()? }
        } else {
            let (seq, len) = self.sequence("what the message quotes: start:end(len), udp (len) or raw (len)")?;
            Echoed::Tcp { seq: seq.value, len }
        };
        self.expect_sign(']', "] behind what the message quotes")?;
        Ok(echoed)
    }
}
