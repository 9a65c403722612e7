-- Since when the oldest parked job of each type waits.

CREATE INDEX job_parked ON job (type_id, due_at) WHERE lane = 'parked';
