//! JUnit XML, as the servers that run tests read it.

use std::path::Path;

use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

use crate::app::run::outcome::{Ran, Verdict};

/// The report: one suite per folder, one case per script. Times are those of the scripts' own clocks.
pub(in crate::app::run) fn junit(all: &[Ran]) -> Result<String, SerializeError> {
    let mut report = Report::new("synfin run");
    let mut suites: Vec<TestSuite> = Vec::new();
    for ran in all {
        let path = Path::new(&ran.name);
        let folder = path.parent().and_then(Path::to_str).filter(|folder| !folder.is_empty()).unwrap_or(".");
        if suites.last().is_none_or(|suite| suite.name.as_str() != folder) {
            suites.push(TestSuite::new(folder));
        }
        if let Some(suite) = suites.last_mut() {
            suite.add_test_case(case(ran, folder));
        }
    }
    report.add_test_suites(suites);
    report.to_string()
}

fn case(ran: &Ran, folder: &str) -> TestCase {
    let first = |detail: &str| detail.lines().next().unwrap_or_default().to_owned();
    let status = match &ran.verdict {
        Verdict::Passed => TestCaseStatus::success(),
        Verdict::Unsupported(words) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(format!("unsupported: {words}"));
            status
        }
        Verdict::Failed(detail) | Verdict::Broken(detail) => {
            let kind = if matches!(ran.verdict, Verdict::Failed(_)) { NonSuccessKind::Failure } else { NonSuccessKind::Error };
            let mut status = TestCaseStatus::non_success(kind);
            status.set_message(first(detail)).set_description(detail.as_str());
            status
        }
    };
    let name = Path::new(&ran.name).file_name().map_or_else(|| ran.name.clone(), |name| name.to_string_lossy().into_owned());
    let mut case = TestCase::new(name, status);
    case.set_classname(folder).set_time(ran.time);
    case
}
