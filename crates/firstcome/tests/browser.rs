//! The pages in a real headless Chromium, against a real server: what people see, press and are told, and whether
//! everybody can. Nothing here looks inside the program; the browser is driven from outside, over WebDriver.

#[path = "world/mod.rs"]
mod world;

mod browser {
    mod axe;
    mod buying;
    mod checks;
    mod desk;
    mod driver;
    mod every_page;
    mod kept;
    mod line;
    mod lost;
    mod opening;
    mod orders;
    mod paying;
    mod people;
    mod plain;
    mod public;
    mod session;
    mod stage;
}
