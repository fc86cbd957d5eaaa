//! Process entry: arguments in, exit code out; nothing else.

mod app;

fn main() -> std::process::ExitCode {
    app::run(std::env::args_os())
}
