//! Identity from outside: accounts, tokens, sessions, lockout, limits and the first admin, each
//! against a real store and a clock that tests set.

mod accounts;
mod admin;
mod door;
mod exposure;
mod pages;
mod stage;
mod vulnerabilities;

use stage::Stage;
