//! The option area of a segment.

use super::super::lex::{Kind, is_word};
use super::super::syntax::{Direction, Number, Options, Span, Spanned, TcpOption};
use super::super::words::EXPERIMENT;
use super::{Parsed, Parser, behind, shown, wrong};
use crate::nearest::nearest;

/// Most octets of options that a TCP header has room for.
const MAX_AREA: usize = 40;

/// Options by their names.
const NAMES: &[&str] = &[
    "nop",
    "eol",
    "mss",
    "wscale",
    "sackOK",
    "sack",
    "TS",
    "md5",
    "FO",
    "FOEXP",
    "EXP-FO",
    "exp-FO",
    "ECN",
    "AccECN0",
    "AccECN1",
    "exp-AccECN0",
    "exp-AccECN1",
    "exp-tarr",
];

impl<'a> Parser<'a> {
    /// `<...>` or `<option, option>`.
    pub(super) fn options(&mut self, direction: Direction) -> Parsed<Options> {
        let start = self.token.span.start;
        self.take();
        if self.token.kind == Kind::Ellipsis {
            if direction == Direction::Inbound {
                return Err(self.unexpected("options, for <...> is only for packets that are expected (>)"));
            }
            self.take();
            self.expect_sign('>', "> behind the ...")?;
            return Ok(Options::Any);
        }
        let mut options = Vec::new();
        let mut octets = 0;
        loop {
            let option = self.tcp_option(direction)?;
            octets += option.value.octets();
            if octets > MAX_AREA {
                let found = format!("{octets} with this one");
                return Err(wrong(option.span, &format!("options of at most {MAX_AREA} octets"), &found));
            }
            options.push(option);
            if self.sign('>') {
                break;
            }
            self.expect_sign(',', ", or > behind an option")?;
        }
        if octets % 4 != 0 {
            let span = Span { start, end: self.end };
            let lack = match 4 - octets % 4 {
                1 => "one nop or eol more".to_owned(),
                lack => format!("{lack} nop or eol more"),
            };
            return Err(wrong(span, &format!("options of a multiple of 4 octets ({lack})"), &format!("{octets} octets")));
        }
        Ok(Options::Listed(options))
    }

    fn tcp_option(&mut self, direction: Direction) -> Parsed<Spanned<TcpOption>> {
        let start = self.token.span.start;
        let name = self.option_name();
        let value = match name {
            "nop" => TcpOption::Nop,
            "eol" => TcpOption::Eol,
            "mss" => TcpOption::Mss(self.number_u16("the maximum segment size")?),
            "wscale" => TcpOption::WindowScale(self.number_u8("the shift of the window")?),
            "sackOK" => TcpOption::SackPermitted,
            "sack" => TcpOption::Sack(self.blocks()?),
            "TS" => self.timestamps(direction)?,
            "md5" if self.name("valid") => TcpOption::Md5(None),
            "md5" => self.digest()?,
            "FO" => TcpOption::FastOpen(self.blob()?.unwrap_or_default()),
            "FOEXP" | "EXP-FO" | "exp-FO" => TcpOption::ExperimentalFastOpen(self.blob()?.unwrap_or_default()),
            "ECN" if self.is_name("e1b") => self.counters(1, false)?,
            "ECN" if self.is_name("e0b") => self.counters(0, false)?,
            "ECN" => return Err(self.unexpected("e0b or e1b and its counter")),
            "AccECN0" => self.counters(0, false)?,
            "AccECN1" => self.counters(1, false)?,
            "exp-AccECN0" => self.counters(0, true)?,
            "exp-AccECN1" => self.counters(1, true)?,
            "exp-tarr" => {
                let rate = if self.is_number() { Some(self.number_u8("the rate of acknowledgements")?) } else { None };
                TcpOption::AckRate(rate)
            }
            _ if let Some(kind) = name.strip_prefix("gen-").and_then(any_u8) => {
                TcpOption::Generic { kind, data: self.blob()?.unwrap_or_default() }
            }
            _ if let Some(number) = name.strip_prefix("exp-").and_then(exact_hex).filter(|number| number.len() == 2) => {
                let data = [number, self.blob()?.unwrap_or_default()].concat();
                TcpOption::Generic { kind: EXPERIMENT, data }
            }
            _ if let Some(octets) = exact_hex(name) => TcpOption::Raw(octets),
            _ => {
                let expected = "a TCP option such as mss 1460, nop or sackOK, gen-KIND and octets in hex, or ... alone";
                if name.is_empty() {
                    return Err(self.unexpected(expected));
                }
                let mut trouble = wrong(Span { start, end: self.end }, expected, &shown(name));
                trouble.hint = nearest(name, NAMES.iter().copied());
                return Err(trouble);
            }
        };
        Ok(Spanned { value, span: Span { start, end: self.end } })
    }

    /// The name of an option, which may have a `-` in it; nothing where there is none.
    fn option_name(&mut self) -> &'a str {
        if !matches!(self.token.kind, Kind::Word | Kind::Integer) {
            return "";
        }
        let text = self.lexer.text();
        let span = self.token.span;
        let end = behind(text, span.start, |c| !is_word(c) && c != '-');
        let written = &text[span.start..end];
        if self.token.defined {
            return self.take().text;
        }
        self.resume(end);
        written
    }

    fn is_number(&self) -> bool {
        matches!(self.token.kind, Kind::Integer | Kind::Hex)
    }

    fn blocks(&mut self) -> Parsed<Vec<(Number, Number)>> {
        let mut blocks = Vec::new();
        while blocks.is_empty() || self.is_number() {
            if blocks.len() == MAX_BLOCKS {
                return Err(self.unexpected(&format!("at most {MAX_BLOCKS} blocks, for more have no room")));
            }
            let left = self.mapped("a block, start:end")?;
            self.expect_sign(':', ": and the end of the block")?;
            let right = self.mapped("the end of the block")?;
            blocks.push((left.value, right.value));
        }
        Ok(blocks)
    }

    fn timestamps(&mut self, direction: Direction) -> Parsed<TcpOption> {
        if !self.name("val") {
            return Err(self.unexpected("val, as in TS val 100 ecr 0"));
        }
        let val = if self.token.kind == Kind::Ellipsis {
            if direction == Direction::Inbound {
                return Err(self.unexpected("a time stamp, for ... is only for packets that are expected (>)"));
            }
            self.take();
            None
        } else {
            Some(self.number_u32("the time stamp")?)
        };
        if !self.name("ecr") {
            return Err(self.unexpected("ecr, as in TS val 100 ecr 0"));
        }
        Ok(TcpOption::Timestamps { val, ecr: self.mapped("the time stamp behind ecr")?.value })
    }

    fn digest(&mut self) -> Parsed<TcpOption> {
        let span = self.token.span;
        let digest = self.blob()?.unwrap_or_default();
        if digest.len() > MAX_DIGEST {
            return Err(wrong(span, &format!("a digest of at most {MAX_DIGEST} octets"), &format!("{}", digest.len())));
        }
        Ok(TcpOption::Md5(Some(digest)))
    }

    /// AccECN's counters: the names tell the order, `e0b ceb e1b` or `e1b ceb e0b`.
    fn counters(&mut self, order: u8, experimental: bool) -> Parsed<TcpOption> {
        let names = if order == 0 {
            [["e0b", "ee0b"], ["ceb", "eceb"], ["e1b", "ee1b"]]
        } else {
            [["e1b", "ee1b"], ["ceb", "eceb"], ["e0b", "ee0b"]]
        };
        let mut counters = Vec::new();
        for names in names {
            if self.is_sign(',') && names.contains(&self.peek().text) {
                self.take();
            }
            if !names.iter().any(|name| self.is_name(name)) {
                break;
            }
            self.take();
            let counter = self.number("a counter of 24 bits", MAX_COUNTER)?;
            counters.push(u32::try_from(counter).unwrap_or(0));
        }
        Ok(TcpOption::AccEcn { order, counters, experimental })
    }

    /// Octets in hexadecimal, if they stand here.
    fn blob(&mut self) -> Parsed<Option<Vec<u8>>> {
        if !matches!(self.token.kind, Kind::Word | Kind::Integer | Kind::Hex) {
            return Ok(None);
        }
        match exact_hex(self.token.text) {
            Some(octets) => {
                self.take();
                Ok(Some(octets))
            }
            None => Err(self.unexpected("octets in hexadecimal, two digits each")),
        }
    }
}

/// Most blocks that an option area has room for.
const MAX_BLOCKS: usize = 4;

/// Octets of an MD5 digest.
const MAX_DIGEST: usize = 16;

const MAX_COUNTER: u64 = 0xff_ffff;

/// Octets of two hexadecimal digits each, and nothing else.
fn exact_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits.filter(|digits| !digits.is_empty() && digits.len() % 2 == 0)?;
    Some(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

fn any_u8(text: &str) -> Option<u8> {
    text.strip_prefix("0x").map_or_else(|| text.parse().ok(), |hex| u8::from_str_radix(hex, 16).ok())
}
