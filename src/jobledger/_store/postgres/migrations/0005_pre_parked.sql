-- Since when the oldest job of each type waits that is not ready: behind another one, or not looked at.

CREATE INDEX job_parked ON {schema}.job (type_id, due_at) WHERE lane = 'parked';
CREATE INDEX job_arrived ON {schema}.job (type_id, due_at) WHERE lane = 'arrived';
