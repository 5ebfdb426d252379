-- FreeSWITCH's mod_callcenter calls its queues support@default.
ALTER TABLE outdial.campaigns DROP CONSTRAINT campaigns_queue_check;
ALTER TABLE outdial.campaigns ADD CONSTRAINT campaigns_queue_check
  CHECK (outdial.is_name(replace(queue, '@', '.')));
COMMENT ON COLUMN outdial.campaigns.queue IS
  'Name of the PBX''s queue (of app_queue or mod_callcenter) that takes the answered calls; NULL: outdial''s own agents do';
