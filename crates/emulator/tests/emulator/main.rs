//! Tests of the emulator over HTTP, one module per feature, in one binary so that they link once.

mod access;
mod bounds;
mod cassettes;
mod cog;
mod common;
mod defined;
mod errors;
mod faults;
mod files;
mod openapi;
mod page;
mod pagination;
mod predictions;
mod program;
mod replay;
mod resources;
mod streams;
mod webhooks;
