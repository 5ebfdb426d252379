-- Queue mode: the members of one of the PBX's own queues are the campaign's agents.
ALTER TABLE outdial.campaigns ADD COLUMN queue text
  CONSTRAINT campaigns_queue_check CHECK (outdial.is_name(queue));
COMMENT ON COLUMN outdial.campaigns.queue IS
  'Name of the PBX''s queue (app_queue) that takes the answered calls; NULL: outdial''s own agents do';
ALTER TABLE outdial.campaigns ADD CONSTRAINT campaigns_queue_mode_check
  CHECK (queue IS NULL OR mode IN ('progressive', 'power', 'predictive'));
