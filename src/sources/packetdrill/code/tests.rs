use super::*;

/// Runs a snippet of a script in which these numbers are known.
fn run(snippet: &str) -> Result<(), String> {
    let mut program = Program::new();
    for (name, value) in [("tcpi_snd_cwnd", 10), ("tcpi_options", 5), ("tcpi_rtt", 100_250), ("TCPI_OPT_SACK", 2), ("TCPI_OPT_WSCALE", 4)] {
        program.define(name, Value::Int(value));
    }
    program.run(snippet).map_err(|error| {
        let (Fault::Untrue(text) | Fault::Unsupported(text) | Fault::Malformed(text)) = error.fault;
        format!("{}: {text}", &snippet[error.span])
    })
}

fn holds(snippet: &str) {
    assert_eq!(run(snippet), Ok(()), "{snippet}");
}

fn fails(snippet: &str, why: &str) {
    assert_eq!(run(snippet), Err(why.to_owned()), "{snippet}");
}

#[test]
fn an_assertion_holds_or_tells_the_values_it_speaks_of() {
    holds("assert tcpi_snd_cwnd == 10, tcpi_snd_cwnd");
    fails("assert tcpi_snd_cwnd == 12, tcpi_snd_cwnd", "tcpi_snd_cwnd == 12: tcpi_snd_cwnd is 10");
    fails(
        "assert tcpi_snd_cwnd > 12 or tcpi_rtt < 5, 'slow'",
        "tcpi_snd_cwnd > 12 or tcpi_rtt < 5: tcpi_snd_cwnd is 10, tcpi_rtt is 100250; it says: slow",
    );
    fails("assert False", "False: False is False");
}

#[test]
fn bits_bind_stronger_than_comparisons_as_in_python() {
    holds("assert tcpi_options & TCPI_OPT_SACK == 0");
    holds("assert (tcpi_options & TCPI_OPT_WSCALE) != 0");
    holds("assert 1 | 2 ^ 3 & 4 == 3");
}

#[test]
fn comparisons_chain() {
    holds("assert 9 <= tcpi_snd_cwnd <= 10 != 11");
    fails("assert 9 <= tcpi_snd_cwnd < 10", "9 <= tcpi_snd_cwnd < 10: tcpi_snd_cwnd is 10");
}

#[test]
fn arithmetic_is_that_of_python() {
    holds("assert -7 // 2 == -4 and -7 % 2 == 1 and 7 / 2 == 3.5 and 2 ** 10 == 1024");
    holds("assert abs(tcpi_rtt - 100000) < 1000 and max(1, 3, 2) == 3 and min((4, 2)) == 2");
    holds("assert 0x10 == 16 and 1 << 4 == 16 and ~0 == -1 and 1.5 + 1 == 2.5 and not 0");
    fails("assert 1 / 0", "1 / 0: Divide of 1 and 0 in code");
}

#[test]
fn statements_stand_in_lines_or_behind_semicolons() {
    holds("x = tcpi_snd_cwnd; x += 2\nassert x == 12, x # as it was\n\nassert (x ==\n  12)");
    holds("print tcpi_rtt, 'is the rtt'; print('cwnd %d of %s' % (tcpi_snd_cwnd, 'it'))\nprint");
    holds("if tcpi_snd_cwnd > 100: assert False");
    fails("if tcpi_snd_cwnd > 1: assert tcpi_rtt == 0", "tcpi_rtt == 0: tcpi_rtt is 100250");
}

#[test]
fn names_live_on_in_the_next_snippet() {
    let mut program = Program::new();
    program.run("before = 7").expect("it is an assignment");
    program.define("tcpi_lost", Value::Int(7));
    program.run("assert tcpi_lost == before").expect("it holds");
}

#[test]
fn what_is_imported_is_not_there_until_it_is_used() {
    holds("import sys, os as o; from math import (floor, ceil)\nassert tcpi_snd_cwnd == 10");
    fails("from math import floor; assert floor(2.5) == 2", "floor(2.5): such a call of floor in code");
    fails("import os; os.system('reboot')", ".: . in code");
    fails("import os.path", ".: . in code");
}

#[test]
fn what_is_not_understood_is_unsupported() {
    fails("assert tcpi_nothing == 1", "tcpi_nothing: the name tcpi_nothing in code");
    fails("for x in (1, 2): print x", "for: for in code");
    fails("open('/etc/passwd')", "open('/etc/passwd'): such a call of open in code");
    fails("assert tcpi_snd_cwnd.real", ".: . in code");
    fails("if 1:\n  assert 0", "\n: a block in code");
    fails("2 ** 1000", "2 ** 1000: Power of 2 and 1000 in code");
}

#[test]
fn messages_are_filled_in() {
    let says = |message: &str, said: &str| {
        fails(&format!("assert tcpi_rtt == 1, {message}"), &format!("tcpi_rtt == 1: tcpi_rtt is 100250; it says: {said}"));
    };
    says("f'cwnd {tcpi_snd_cwnd} of {tcpi_snd_cwnd + 2:>5} {{}}'", "cwnd 10 of 12 {}");
    says("'rtt ' f'{tcpi_snd_cwnd != 3!r}' \"!\"", "rtt True!");
    says("'{} of {}, {0:d}'.format(tcpi_snd_cwnd, 'it')", "10 of it, 10");
    says("r'raw' + hex(tcpi_snd_cwnd) + u'!'", "raw0xa!");
    says("hex(-tcpi_snd_cwnd)", "-0xa");
    holds("assert f'{1}{2}' == '12' and len('four') == 4");
    fails("assert f'{nothing}'", "f'{nothing}': the name nothing in code");
    fails("assert f'{1 2}'", "f'{1 2}': expected } behind a value, found 2");
    fails("assert '{'.format(1)", "'{'.format(1): such a call of .format in code");
    fails("assert f'{'", "f'{': such a text in code");
    fails("assert 'a'.upper()", ".: . in code");
}

#[test]
fn nothing_is_nothing() {
    holds("assert None is None and tcpi_rtt is not None");
    fails("assert tcpi_rtt is None", "tcpi_rtt is None: tcpi_rtt is 100250, None is None");
}

#[test]
fn what_grows_by_itself_ends() {
    let doubled = |first: &str, step: &str| run(&format!("x = {first}\n{}", format!("x = {step}\n").repeat(64)));
    assert!(doubled("(1,)", "(x, x)").is_err_and(|why| why.contains("a value that large")));
    assert!(doubled("'a'", "x + x + x + x + x").is_err_and(|why| why.contains("a text that long")));
    assert!(doubled("'aaaaaaaaaaaaaaaaaaaaaaaaa'", "f'{x}{x}'").is_err_and(|why| why.contains("a value that large")));
    // One in another, snippet after snippet: as deep as a tuple may weigh.
    let mut program = Program::new();
    program.run("x = 1").expect("it is an assignment");
    let ended = (0..2000).find_map(|_| program.run("x = (x,)").err());
    assert!(ended.is_some_and(|error| error.fault == Fault::Unsupported("a value that large in code".to_owned())));
    let names = |many: usize| (0..many).map(|name| format!("n{name} = 1")).collect::<Vec<_>>();
    let mut program = Program::new();
    let ended = names(12_000).chunks(1000).find_map(|some| program.run(&some.join("\n")).err());
    assert!(ended.is_some_and(|error| error.fault == Fault::Unsupported("that many names in code".to_owned())));
    let mut program = Program::new();
    let ended = (0..60).find_map(|_| program.run(&"1;".repeat(4999)).err());
    assert!(ended.is_some_and(|error| error.fault == Fault::Unsupported("code of more than 500000 words in all".to_owned())));
}

#[test]
fn what_is_no_python_says_what_would_be() {
    fails("assert tcpi_rtt ==", ": expected a value, found the end of the code");
    fails("assert (1", ": expected ), found the end of the code");
    fails("assert 1 2", "2: expected an operator or the end of the statement, found 2");
    fails("print('a", "'a: expected ' at the end of a text, found none");
}

#[test]
fn hostile_code_ends() {
    fails(&"(".repeat(1000), "(: code nested deeper than 64");
    fails("a = 2 ** 3 ** 2", "**: ** behind a value in code");
    fails("assert tcpi_state[0] == 1", "[: [ behind a value in code");
    fails(&"(".repeat(100_000), "(: code of more than 10000 words");
    holds(&format!("assert {}True", "not ".repeat(1000)));
    holds(&format!("assert 1{} == 201", " + 1".repeat(200)));
    assert!(run(&format!("assert 1{} == 1", " + 0".repeat(201))).is_err());
    assert!(run(&format!("assert {}True", "not ".repeat(100_000))).is_err());
    assert!(run(&"-".repeat(100_000)).is_err());
    assert!(run(&format!("assert {}", "1 if 1 else ".repeat(100_000))).is_err());
}

mod any_text {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in "[-+*/%&|^~()<>=!,:;.'\"\\\\ \n0-9a-z_]{0,60}") {
            let _ = super::super::Program::new().run(&text);
        }
    }
}
