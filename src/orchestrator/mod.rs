//! The orchestrator: carries out what [`crate::domain::workflow`] decides.
