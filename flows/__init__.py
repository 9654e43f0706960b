"""When and where: Prefect flows, deployments, schedules and the command line."""
