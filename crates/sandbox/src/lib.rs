//! An embedded AWS on loopback that verifies what it receives.
