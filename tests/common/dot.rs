//! dot as an oracle: whether Graphviz draws what we write.
//!
//! Left out where it is not installed, as said in [`super::tshark`].

use std::ffi::OsStr;
use std::io::{self, Write};
use std::process::{Command, Stdio};

/// Whether dot is there; if not, says that `test` is left out.
///
/// # Panics
/// If it is not, and the environment says `SYNFIN_ORACLES=require`.
pub(crate) fn is_here_for(test: &str) -> bool {
    match Command::new("dot").arg("-V").output() {
        Ok(output) => {
            assert!(output.status.success(), "dot -V: {}", output.status);
            true
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let line = format!("left out: {test}: dot (Graphviz) is not installed (run .ci/run to have it)");
            assert!(std::env::var_os("SYNFIN_ORACLES").as_deref() != Some(OsStr::new("require")), "{line}");
            // Not `eprintln!`: the test harness would keep what a test that passes prints.
            let _ = writeln!(io::stderr(), "{line}");
            false
        }
        Err(error) => panic!("dot does not start: {error}"),
    }
}

/// The graph as SVG; dot must say nothing against it.
pub(crate) fn svg(graph: &[u8]) -> String {
    let pipe = Stdio::piped;
    let mut dot = Command::new("dot").arg("-Tsvg").stdin(pipe()).stdout(pipe()).stderr(pipe()).spawn().expect("dot starts");
    dot.stdin.take().expect("it is piped").write_all(graph).expect("dot reads");
    let output = dot.wait_with_output().expect("dot ends");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && stderr.is_empty(), "dot: {}\n{stderr}", output.status);
    String::from_utf8(output.stdout).expect("dot writes UTF-8")
}
