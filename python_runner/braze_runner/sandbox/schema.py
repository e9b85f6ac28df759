"""The tables of the sandbox's SQLite file; docs/sandbox.md tells what each holds."""

from typing import Final

APPLICATION_ID: Final = 0x62727A62
"""What tells a sandbox's file from another program's: SQLite keeps it in the file's head."""

VERSION: Final = 2
"""Raised with every change of the tables; a file of another version is refused."""

TABLES: Final = """
create table profiles (
    id integer primary key autoincrement,
    braze_id text generated always as (printf('%024x', id)) virtual,
    external_id text unique,
    email text,
    phone text,
    fields text not null,
    custom_attributes text not null,
    created_at text not null,
    revision integer not null
);
create index profiles_email on profiles (email) where email is not null;
create index profiles_phone on profiles (phone) where phone is not null;
create table user_aliases (
    alias_label text not null,
    alias_name text not null,
    profile_id integer not null references profiles (id),
    primary key (alias_label, alias_name),
    unique (profile_id, alias_label)
) without rowid;
create table deprecated_external_ids (
    external_id text primary key,
    profile_id integer not null references profiles (id)
) without rowid;
create index deprecated_external_ids_profile on deprecated_external_ids (profile_id);
create table address_states (
    kind text not null,
    address text not null,
    subject text not null,
    state text not null,
    set_at real not null,
    primary key (kind, address, subject)
) without rowid;
create table custom_events (
    id integer primary key,
    profile_id integer not null references profiles (id),
    name text not null,
    time text not null,
    app_id text,
    properties text not null
);
create index custom_events_profile on custom_events (profile_id);
create table purchases (
    id integer primary key,
    profile_id integer not null references profiles (id),
    product_id text not null,
    time text not null,
    currency text not null,
    price real not null,
    app_id text,
    properties text not null
);
create index purchases_profile on purchases (profile_id);
create table catalogs (
    name text primary key,
    description text not null,
    fields text not null,
    updated_at text not null
);
create table catalog_items (
    number integer primary key,
    catalog text not null references catalogs (name),
    id text not null,
    item text not null,
    unique (catalog, id)
);
create table cdi_watermarks (
    integration_id text primary key,
    stamp text,
    rows integer not null
) without rowid;
create table cdi_jobs (
    number integer primary key,
    integration_id text not null,
    status text not null,
    started_at text not null,
    finished_at text,
    last_timestamp_synced text,
    rows_synced integer not null default 0,
    rows_failed integer not null default 0,
    message text
);
create index cdi_jobs_integration on cdi_jobs (integration_id, number);
create table cdi_row_errors (
    job integer not null references cdi_jobs (number),
    updated_at text not null,
    identifier text not null,
    error text not null
);
create table canvas_entries (
    number integer primary key,
    integration_id text not null,
    profile_id integer not null references profiles (id),
    properties text not null
);
create table requests (
    number integer primary key,
    time text not null,
    method text not null,
    path text not null,
    status integer not null,
    objects integer not null,
    errors integer not null,
    detail text,
    fault text
);
create table queue (
    id integer primary key autoincrement,
    due real not null,
    kind text not null,
    items text not null,
    failed text
);
create index queue_due on queue (due, id) where failed is null;
"""
