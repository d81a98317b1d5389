"""True: do figures, times, promises, names and links hold, as far as anybody here knows?"""
