-- Version 2. What reading a month needs, kept as it changes, so that a report costs the same after
-- ten rows of spending and after ten million. Triggers keep it, so that whatever writes to
-- `spending` keeps it too: an older version of the gateway, or a person.

-- The sums of `spending`, by each key of a report.
CREATE TABLE sums (
    month     TEXT    NOT NULL,
    kind      TEXT    NOT NULL,             -- 'provider', 'model', 'task_class'
    key       TEXT    NOT NULL,
    cost      INTEGER NOT NULL CHECK (cost >= 0),
    calls     INTEGER NOT NULL,
    estimated INTEGER NOT NULL,
    unknown   INTEGER NOT NULL,
    PRIMARY KEY (month, kind, key)
) STRICT, WITHOUT ROWID;

-- The lock file of each process, by its inode: a file that was put in its place shows nothing.
CREATE TABLE lock_files (
    process INTEGER PRIMARY KEY,
    inode   INTEGER NOT NULL
) STRICT;

-- `min()` keeps a sum within 63 bits; above them it would become a float.
CREATE TRIGGER spending_inserted AFTER INSERT ON spending BEGIN
    INSERT INTO sums VALUES
        (NEW.month, 'provider', NEW.provider, NEW.cost, NEW.calls, NEW.estimated, NEW.unknown),
        (NEW.month, 'model', NEW.model, NEW.cost, NEW.calls, NEW.estimated, NEW.unknown),
        (NEW.month, 'task_class', NEW.task_class, NEW.cost, NEW.calls, NEW.estimated, NEW.unknown)
        ON CONFLICT DO UPDATE SET
            cost = cost + min(excluded.cost, 9223372036854775807 - cost),
            calls = calls + excluded.calls,
            estimated = estimated + excluded.estimated,
            unknown = unknown + excluded.unknown;
END;

CREATE TRIGGER spending_deleted AFTER DELETE ON spending BEGIN
    UPDATE sums SET cost = max(cost - OLD.cost, 0), calls = calls - OLD.calls,
        estimated = estimated - OLD.estimated, unknown = unknown - OLD.unknown
        WHERE month = OLD.month AND kind = 'provider' AND key = OLD.provider;
    UPDATE sums SET cost = max(cost - OLD.cost, 0), calls = calls - OLD.calls,
        estimated = estimated - OLD.estimated, unknown = unknown - OLD.unknown
        WHERE month = OLD.month AND kind = 'model' AND key = OLD.model;
    UPDATE sums SET cost = max(cost - OLD.cost, 0), calls = calls - OLD.calls,
        estimated = estimated - OLD.estimated, unknown = unknown - OLD.unknown
        WHERE month = OLD.month AND kind = 'task_class' AND key = OLD.task_class;
END;

CREATE TRIGGER spending_updated AFTER UPDATE ON spending BEGIN
    UPDATE sums SET cost = max(cost - OLD.cost, 0), calls = calls - OLD.calls,
        estimated = estimated - OLD.estimated, unknown = unknown - OLD.unknown
        WHERE month = OLD.month AND kind = 'provider' AND key = OLD.provider;
    UPDATE sums SET cost = max(cost - OLD.cost, 0), calls = calls - OLD.calls,
        estimated = estimated - OLD.estimated, unknown = unknown - OLD.unknown
        WHERE month = OLD.month AND kind = 'model' AND key = OLD.model;
    UPDATE sums SET cost = max(cost - OLD.cost, 0), calls = calls - OLD.calls,
        estimated = estimated - OLD.estimated, unknown = unknown - OLD.unknown
        WHERE month = OLD.month AND kind = 'task_class' AND key = OLD.task_class;
    INSERT INTO sums VALUES
        (NEW.month, 'provider', NEW.provider, NEW.cost, NEW.calls, NEW.estimated, NEW.unknown),
        (NEW.month, 'model', NEW.model, NEW.cost, NEW.calls, NEW.estimated, NEW.unknown),
        (NEW.month, 'task_class', NEW.task_class, NEW.cost, NEW.calls, NEW.estimated, NEW.unknown)
        ON CONFLICT DO UPDATE SET
            cost = cost + min(excluded.cost, 9223372036854775807 - cost),
            calls = calls + excluded.calls,
            estimated = estimated + excluded.estimated,
            unknown = unknown + excluded.unknown;
END;

-- What older versions have booked. `sum()` would fail where a sum passes 63 bits.
INSERT INTO sums SELECT month, 'provider', provider, cost, calls, estimated, unknown
    FROM spending WHERE true
    ON CONFLICT DO UPDATE SET
        cost = cost + min(excluded.cost, 9223372036854775807 - cost),
        calls = calls + excluded.calls, estimated = estimated + excluded.estimated,
        unknown = unknown + excluded.unknown;
INSERT INTO sums SELECT month, 'model', model, cost, calls, estimated, unknown
    FROM spending WHERE true
    ON CONFLICT DO UPDATE SET
        cost = cost + min(excluded.cost, 9223372036854775807 - cost),
        calls = calls + excluded.calls, estimated = estimated + excluded.estimated,
        unknown = unknown + excluded.unknown;
INSERT INTO sums SELECT month, 'task_class', task_class, cost, calls, estimated, unknown
    FROM spending WHERE true
    ON CONFLICT DO UPDATE SET
        cost = cost + min(excluded.cost, 9223372036854775807 - cost),
        calls = calls + excluded.calls, estimated = estimated + excluded.estimated,
        unknown = unknown + excluded.unknown;
