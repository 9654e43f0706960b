"""What our servers do about those who ask: which requests are meant for them, how long they wait for one."""
