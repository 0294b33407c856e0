//! A terminal with somebody at it: a pseudo-terminal, and a picture of what is on its screen.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, OutputModes, Winsize, tcgetattr, tcsetwinsize};

use crate::support::eventually;
use crate::support::process::{ended, signal};
use crate::support::server::binary;

/// The terminal and the program on it; killed when dropped.
pub(super) struct Pty {
    keys: File,
    screen: Arc<Mutex<Seen>>,
    child: Child,
    modes: (LocalModes, OutputModes),
    /// Held open, so that the terminal outlives its program.
    slave: File,
}

/// What came.
struct Seen {
    parser: vt100::Parser,
    raw: Vec<u8>,
}

fn size(rows: u16, columns: u16) -> Winsize {
    Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

fn some(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).unwrap()
}

impl Pty {
    /// `watch` on a project.
    pub(super) fn watch(root: &Path, rows: u16, columns: u16) -> Self {
        let mut program = binary();
        program.arg("watch").arg("-C").arg(root);
        Self::run(&program, rows, columns)
    }

    /// Any program, with the terminal as its own.
    pub(super) fn run(program: &Command, rows: u16, columns: u16) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        tcsetwinsize(&master, size(rows, columns)).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let mut options = File::options();
        options.read(true).write(true);
        // Not to become this test's own terminal.
        std::os::unix::fs::OpenOptionsExt::custom_flags(
            &mut options,
            rustix::fs::OFlags::NOCTTY.bits().cast_signed(),
        );
        let slave = options.open(name).unwrap();
        let modes = modes(&slave);
        // A session of its own, whose terminal this is: without it no key would send a signal.
        let mut command = Command::new("setsid");
        command.arg("--ctty").arg(program.get_program()).args(program.get_args());
        command
            .env_remove("NO_COLOR")
            .env("TERM", "xterm-256color")
            .stdin(slave.try_clone().unwrap())
            .stdout(slave.try_clone().unwrap())
            .stderr(Stdio::from(slave.try_clone().unwrap()));
        let child = command.spawn().unwrap();
        drop(command);
        let parser = vt100::Parser::new(some(rows), some(columns), 0);
        let screen = Arc::new(Mutex::new(Seen { parser, raw: Vec::new() }));
        let (seen, mut from) = (Arc::clone(&screen), File::from(master));
        let keys = from.try_clone().unwrap();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // At its end a terminal answers with an error.
            while let Ok(length @ 1..) = from.read(&mut bytes) {
                let mut seen = seen.lock().unwrap();
                seen.parser.process(&bytes[..length]);
                seen.raw.extend(&bytes[..length]);
            }
        });
        Self { keys, screen, child, modes, slave }
    }

    /// What stands on the screen.
    pub(super) fn text(&self) -> String {
        self.screen.lock().unwrap().parser.screen().contents()
    }

    /// All that was ever sent to it.
    pub(super) fn raw(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().unwrap().raw).into_owned()
    }

    /// Waits until the screen shows a text.
    pub(super) fn shows(&self, text: &str) {
        self.until(&format!("{text:?}"), |screen| screen.contains(text));
    }

    /// Waits until the screen is as wanted.
    pub(super) fn until(&self, what: &str, mut wanted: impl FnMut(&str) -> bool) {
        let start = std::time::Instant::now();
        loop {
            let text = self.text();
            if wanted(&text) {
                return;
            }
            assert!(start.elapsed() < crate::support::DEADLINE, "no {what} on:\n{text}");
            std::thread::park_timeout(std::time::Duration::from_millis(10));
        }
    }

    /// Types.
    pub(super) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    pub(super) fn resize(&self, rows: u16, columns: u16) {
        self.screen.lock().unwrap().parser.set_size(some(rows), some(columns));
        tcsetwinsize(&self.keys, size(rows, columns)).unwrap();
    }

    pub(super) fn signal(&self, which: rustix::process::Signal) {
        signal(self.child.id(), which);
    }

    /// How the program ended.
    pub(super) fn end(&mut self) -> ExitStatus {
        ended(&mut self.child)
    }

    /// Whether the view is on the screen, instead of what was there before.
    pub(super) fn is_taken(&self) -> bool {
        self.screen.lock().unwrap().parser.screen().alternate_screen()
    }

    /// The terminal is as it was before the program began.
    pub(super) fn assert_given_back(&self) {
        eventually("the screen that was there before", || (!self.is_taken()).then_some(()));
        eventually("a cursor", || {
            (!self.screen.lock().unwrap().parser.screen().hide_cursor()).then_some(())
        });
        assert_eq!(modes(&self.slave), self.modes);
        let raw = self.raw();
        assert!(raw.rfind("\x1b[?7h") > raw.rfind("\x1b[?7l"), "lines are not wrapped again");
    }
}

fn modes(terminal: &File) -> (LocalModes, OutputModes) {
    let found = tcgetattr(terminal).unwrap();
    (found.local_modes, found.output_modes)
}

impl Drop for Pty {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
