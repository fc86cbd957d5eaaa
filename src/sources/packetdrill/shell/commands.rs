//! What commands mean.

use std::time::Duration;

use super::Act;
use super::words::{Command, Pipeline};

/// Appends what a pipeline asks for.
pub(super) fn mean(pipeline: &Pipeline, acts: &mut Vec<Act>) -> Result<(), String> {
    let unsupported = || {
        let all: Vec<_> = pipeline.iter().map(|command| command.words.join(" ")).collect();
        format!("the command {}", shortened(&all.join(" | ")))
    };
    let [command] = pipeline.as_slice() else {
        if pipeline.last().is_some_and(|last| words(last).first() == Some(&"setkey")) {
            return Ok(());
        }
        acts.push(count(pipeline).ok_or_else(unsupported)?);
        return Ok(());
    };
    one(command, acts).ok_or_else(unsupported)
}

/// What is shown of a command that is not understood.
fn shortened(text: &str) -> String {
    let mut shown: String = text.chars().take(60).map(|shown| if shown.is_control() { ' ' } else { shown }).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// One command alone; `None` if it is not understood.
fn one(command: &Command, acts: &mut Vec<Act>) -> Option<()> {
    let words: Vec<&str> = command.words.iter().map(String::as_str).collect();
    if let Some(file) = &command.into {
        let ["echo", value @ ..] = words.as_slice() else { return None };
        let value: Vec<_> = value.iter().copied().filter(|word| *word != "-n").collect();
        acts.push(Act::Set { name: parameter_of(file)?, value: value.join(" ") });
        return Some(());
    }
    let (name, arguments) = words.split_first()?;
    match name.rsplit('/').next().unwrap_or(name) {
        "sysctl" => sysctl(arguments, acts)?,
        "set_sysctls.py" => {
            for argument in arguments {
                let (file, value) = argument.split_once('=')?;
                acts.push(set(file, value)?);
            }
        }
        // What the one above has written, to put everything back; a run ends with its host.
        script if name.starts_with("/tmp/") && script.starts_with("sysctl_restore_") => {}
        "sleep" => acts.push(Act::Sleep(duration(arguments)?)),
        "ip" => match arguments {
            ["tcp_metrics" | "tcpmetrics", "flush", ..] => acts.push(Act::ForgetPeers),
            ["route", "flush", "cache"] => {}
            _ => return None,
        },
        "tc" => queueing(arguments)?,
        "tcpdrop" => match arguments {
            ["-s", state] | ["-a", "-s", state] => acts.push(Act::Drop { state: state_of(state)? }),
            _ => return None,
        },
        // The keys of signatures, which the host has been told another way.
        "setkey" => {}
        // Modules bring further algorithms, which have to be asked for by name.
        "kldload" | "modprobe" | "true" | ":" | "echo" | "set" | "exit" if !is_failing_exit(name, arguments) => {}
        "sh" | "bash" | "source" | "." => match arguments {
            [file] if !file.starts_with('-') => acts.push(Act::Include((*file).to_owned())),
            _ => return None,
        },
        _ if arguments.is_empty() && name.contains('/') && name.rsplit('.').next() == Some("sh") => {
            acts.push(Act::Include((*name).to_owned()));
        }
        _ => return None,
    }
    Some(())
}

fn is_failing_exit(name: &str, arguments: &[&str]) -> bool {
    name == "exit" && arguments.iter().any(|code| *code != "0")
}

fn duration(arguments: &[&str]) -> Option<Duration> {
    let [seconds] = arguments else { return None };
    Duration::try_from_secs_f64(seconds.strip_suffix('s').unwrap_or(seconds).parse().ok()?).ok()
}

/// `sysctl -q -w name=value name=value`, also FreeBSD's; names alone are only read.
fn sysctl(arguments: &[&str], acts: &mut Vec<Act>) -> Option<()> {
    let mut written = false;
    for argument in arguments {
        match *argument {
            "-q" | "-n" | "-i" | "-e" => {}
            "-w" => written = true,
            "-p" | "-f" => return None,
            option if option.starts_with('-') && option[1..].chars().all(|letter| "wqnie".contains(letter)) => {
                written |= option.contains('w');
            }
            assignment => match assignment.split_once('=') {
                Some((name, value)) => acts.push(set(name, value)?),
                None if written => return None,
                None => {}
            },
        }
    }
    Some(())
}

/// A parameter by its name with dots, or by its file below `/proc/sys`.
fn set(name: &str, value: &str) -> Option<Act> {
    let name = if name.starts_with('/') { parameter_of(name)? } else { name.trim().replace('/', ".") };
    let value = value.trim().trim_matches(['"', '\'']);
    let is_name = name.contains('.') && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "._-".contains(letter));
    is_name.then(|| Act::Set { name, value: value.split_whitespace().collect::<Vec<_>>().join(" ") })
}

fn parameter_of(file: &str) -> Option<String> {
    Some(file.strip_prefix("/proc/sys/")?.replace('/', "."))
}

/// A queue that only orders what leaves, as the one of a quick link need not; what loses or delays is not understood.
fn queueing(arguments: &[&str]) -> Option<()> {
    let ["qdisc", "add" | "replace" | "change" | "del", "dev", _, "root", kind @ ..] = arguments else { return None };
    match kind {
        [] | ["fq" | "pfifo" | "pfifo_fast" | "fq_codel" | "noqueue", ..] => Some(()),
        _ => None,
    }
}

/// `sockstat ... | grep packetdrill | grep -c STATE | grep N`.
fn count(pipeline: &Pipeline) -> Option<Act> {
    let (first, greps) = pipeline.split_first()?;
    let mut port = None;
    sockstat(first, &mut port)?;
    let (last, greps) = greps.split_last()?;
    let (counting, owners) = greps.split_last()?;
    let ["grep", "-c", state] = words(counting)[..] else { return None };
    let (["grep", count] | ["grep", "-q" | "-w" | "-x", count]) = words(last)[..] else { return None };
    let count = count.trim_start_matches('^').trim_end_matches('$').trim().parse().ok()?;
    let held = match owners {
        [] => false,
        [owner] => match words(owner)[..] {
            ["grep", name] if "packetdrill".starts_with(name) => true,
            _ => return None,
        },
        _ => return None,
    };
    Some(Act::Count { state: state_of(state)?, port, held, count })
}

fn words(command: &Command) -> Vec<&str> {
    command.words.iter().map(String::as_str).collect()
}

/// Reads a `sockstat` that lists TCP sockets with their states, and the port it asks for, if it does.
fn sockstat(command: &Command, port: &mut Option<u16>) -> Option<()> {
    let words = words(command);
    let ("sockstat", mut rest) = words.split_first().map(|(name, rest)| (*name, rest))? else { return None };
    let mut states = false;
    while let Some((option, others)) = rest.split_first() {
        rest = others;
        match *option {
            "-P" | "-p" => {
                let (value, others) = rest.split_first()?;
                rest = others;
                match (*option, *value) {
                    ("-P", "tcp") => {}
                    ("-p", number) => *port = Some(number.parse().ok()?),
                    _ => return None,
                }
            }
            letters => {
                let letters = letters.strip_prefix('-')?;
                letters.chars().all(|letter| "46nlcqsw".contains(letter)).then_some(())?;
                states |= letters.contains('s');
            }
        }
    }
    states.then_some(())
}

/// A state as the RFC spells it, from what FreeBSD or Linux call it.
fn state_of(word: &str) -> Option<String> {
    let spelled = word.trim_matches(['"', '^', '$', ' ']).replace('_', "-").to_ascii_uppercase();
    let spelled = match spelled.as_str() {
        "SYN-RCVD" | "SYN-RECV" => "SYN-RECEIVED",
        "FIN-WAIT1" => "FIN-WAIT-1",
        "FIN-WAIT2" => "FIN-WAIT-2",
        "CLOSE" => "CLOSED",
        "ESTAB" => "ESTABLISHED",
        other => other,
    };
    let known = crate::engine::State::ALL.iter().any(|state| state.name() == spelled);
    known.then(|| spelled.to_owned())
}
